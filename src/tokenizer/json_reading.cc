#include "tokenizer/json_reading.h"

#include "base/error.h"

namespace onmal::json_reading {
namespace {

constexpr uint64_t kMostBytes = uint64_t{256} << 20;
constexpr int kMostDepth = 32;
constexpr int64_t kMostIds = int64_t{1} << 24;

}  // namespace

void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadFile, where, what);
}

void unsupported(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kUnsupported, where, what);
}

Json parse_limited(std::string_view text, const std::string& where) {
  if (text.size() > kMostBytes) refuse(where, "is larger than 256 MB");
  const Json::parser_callback_t limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) refuse(where, "is nested too deep");
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const Json::exception& error) {
    refuse(where, std::string("is not JSON: ") + error.what());
  }
}

bool is_given(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && !object[key].is_null();
}

const Json& member(const Json& object, const char* key, const std::string& where) {
  if (!object.is_object() || !object.contains(key))
    refuse(where, std::string("has no '") + key + "'");
  return object[key];
}

std::string text_of(const Json& object, const char* key, const std::string& where) {
  const Json& value = member(object, key, where);
  if (!value.is_string()) refuse(where, std::string("'") + key + "' is not a string");
  return value.get<std::string>();
}

std::string text_or(const Json& object, const char* key, const std::string& fallback,
                    const std::string& where) {
  return is_given(object, key) ? text_of(object, key, where) : fallback;
}

bool flag_or(const Json& object, const char* key, bool fallback, const std::string& where) {
  if (!is_given(object, key)) return fallback;
  if (!object[key].is_boolean()) refuse(where, std::string("'") + key + "' is not true or false");
  return object[key].get<bool>();
}

int64_t integer_or(const Json& object, const char* key, int64_t fallback,
                   const std::string& where) {
  if (!is_given(object, key)) return fallback;
  if (!object[key].is_number_integer()) refuse(where, std::string("'") + key + "' is no integer");
  return object[key].get<int64_t>();
}

int32_t id_of(const Json& value, const std::string& what, const std::string& where) {
  if (!value.is_number_integer()) refuse(where, "the id of " + what + " is not an integer");
  const auto id = value.get<int64_t>();
  if (id < 0 || id >= kMostIds) refuse(where, "the id of " + what + " is out of range");
  return static_cast<int32_t>(id);
}

}  // namespace onmal::json_reading
