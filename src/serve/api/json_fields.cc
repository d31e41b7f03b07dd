#include "serve/api/json_fields.h"

#include <cmath>
#include <utility>

namespace onmal {
namespace {

constexpr int kMostLevels = 64;

// nlohmann's parser recurses: depth is looked at before.
bool too_deep(std::string_view body) {
  int level = 0;
  bool in_text = false;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_text) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_text = false;
      }
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++level > kMostLevels) return true;
    } else if (c == '}' || c == ']') {
      --level;
    }
  }
  return false;
}

ApiJson parse(std::string_view body) {
  if (too_deep(body)) throw HttpError(400, "The JSON is nested too deeply.", "invalid_json");
  try {
    ApiJson document = ApiJson::parse(body);
    if (!document.is_object())
      throw HttpError(400, "The body must be a JSON object.", "invalid_json");
    return document;
  } catch (const ApiJson::exception& error) {
    // What went wrong and where; the message quotes no more than the last token read.
    const std::string what = error.what();
    const size_t begin = what.find("parse error");
    throw HttpError(
        400,
        "The body is not valid JSON: " +
            (begin == std::string::npos ? std::string("malformed") : what.substr(begin)),
        "invalid_json");
  }
}

}  // namespace

JsonFields::JsonFields(std::string_view body) : object_(parse(body)) {}

JsonFields::JsonFields(ApiJson object, std::string where)
    : object_(std::move(object)), where_(std::move(where)) {
  if (!object_.is_object()) refuse("", "must be an object");
}

void JsonFields::refuse(const std::string& name, const std::string& what) const {
  std::string full = where_ + name;
  if (full.ends_with('.')) full.pop_back();
  throw HttpError(400, "'" + full + "' " + what + ".", "invalid_value", full);
}

const ApiJson* JsonFields::find(const char* name) const {
  const auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

bool JsonFields::has(const char* name) const { return find(name) != nullptr; }

std::string JsonFields::text(const char* name, std::string fallback) const {
  const ApiJson* value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_string()) refuse(name, "must be a string");
  return value->get<std::string>();
}

std::string JsonFields::required_text(const char* name) const {
  if (!has(name)) refuse(name, "is missing");
  return text(name);
}

bool JsonFields::flag(const char* name, bool fallback) const {
  const ApiJson* value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) refuse(name, "must be true or false");
  return value->get<bool>();
}

int64_t JsonFields::whole(const char* name, int64_t fallback, int64_t least, int64_t most) const {
  const ApiJson* value = find(name);
  if (value == nullptr) return fallback;
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  if (!value->is_number_integer()) refuse(name, "must be a whole number from " + range);
  const bool huge =
      value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (huge || value->get<int64_t>() < least || value->get<int64_t>() > most)
    refuse(name, "must be from " + range);
  return value->get<int64_t>();
}

double JsonFields::number(const char* name, double fallback, double least, double most) const {
  const ApiJson* value = find(name);
  if (value == nullptr) return fallback;
  const std::string range = ApiJson(least).dump() + " to " + ApiJson(most).dump();
  if (!value->is_number()) refuse(name, "must be a number from " + range);
  const auto found = value->get<double>();
  if (!(found >= least && found <= most)) refuse(name, "must be from " + range);
  return found;
}

std::vector<std::string> JsonFields::texts(const char* name, size_t most) const {
  const ApiJson* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array()) refuse(name, "must be a string or an array of strings");
  if (value->size() > most) refuse(name, "may have " + std::to_string(most) + " entries at most");
  std::vector<std::string> texts;
  for (const ApiJson& entry : *value) {
    if (!entry.is_string()) refuse(name, "must hold strings only");
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

std::string dump(const ApiJson& document) {
  return document.dump(-1, ' ', false, ApiJson::error_handler_t::replace);
}

void respond_json(Exchange& exchange, const ApiJson& document, int status) {
  ServerResponse response;
  response.status = status;
  response.body = dump(document);
  exchange.respond(std::move(response));
}

}  // namespace onmal
