// What single keywords of a schema say.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "infer/json/regex.h"
#include "infer/json/schema_shape.h"
#include "infer/json/string_forms.h"

namespace onmal::json {
namespace {

constexpr int64_t kMaxSize = 1'000'000;  // of minItems and the like

// Change nothing about which values are valid.
constexpr std::array<std::string_view, 18> kAnnotations = {
    "title", "description", "default",         "example",          "examples",     "$schema",
    "$id",   "id",          "$comment",        "deprecated",       "readOnly",     "writeOnly",
    "$defs", "definitions", "contentEncoding", "contentMediaType", "externalDocs", "$anchor"};
// Read in combination with others.
constexpr std::array<std::string_view, 16> kJoined = {"type",
                                                      "nullable",
                                                      "enum",
                                                      "const",
                                                      "properties",
                                                      "required",
                                                      "additionalProperties",
                                                      "items",
                                                      "patternProperties",
                                                      "prefixItems",
                                                      "additionalItems",
                                                      "$ref",
                                                      "allOf",
                                                      "anyOf",
                                                      "oneOf",
                                                      "uniqueItems"};

template <size_t n>
bool is_in(const std::array<std::string_view, n>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string escaped_pointer(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescaped_pointer(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    const std::string_view rest = token.substr(i);
    if (rest.starts_with("~1") || rest.starts_with("~0")) {
      out += rest[1] == '1' ? '/' : '~';
      ++i;
      continue;
    }
    unsigned code = 0;
    if (rest.size() > 2 && rest[0] == '%') {
      const auto read = std::from_chars(rest.data() + 1, rest.data() + 3, code, 16);
      if (read.ptr == rest.data() + 3) {
        out += static_cast<char>(code);
        i += 2;
        continue;
      }
    }
    out += token[i];
  }
  return out;
}

}  // namespace

std::string SchemaReader::place(const Json& schema, const std::string& keyword) const {
  return "schema " + pointer(schema) + "/" + keyword;
}

void SchemaReader::unsupported(const Json& schema, const std::string& keyword,
                               const std::string& why) const {
  throw Error(ErrorCode::kUnsupported, place(schema, keyword),
              "cannot be honoured exactly: " + why);
}

void SchemaReader::invalid(const Json& schema, const std::string& keyword,
                           const std::string& what) const {
  throw Error(ErrorCode::kInvalidArgument, place(schema, keyword), what);
}

const Json& SchemaReader::visit(const Json& child, const std::string& pointer) {
  pointers_.try_emplace(&child, pointer);
  return child;
}

const Json& SchemaReader::child(const Json& schema, const std::string& keyword) {
  return visit(schema[keyword], pointer(schema) + "/" + escaped_pointer(keyword));
}

const Json& SchemaReader::branch(const Json& schema, const std::string& keyword, size_t which) {
  return visit(schema[keyword][which],
               pointer(schema) + "/" + keyword + "/" + std::to_string(which));
}

const Json& SchemaReader::resolve(const Json& schema) {
  const Json& reference = schema["$ref"];
  if (!reference.is_string()) invalid(schema, "$ref", "must be a text");
  const auto text = reference.get<std::string>();
  if (text != "#" && !text.starts_with("#/"))
    unsupported(schema, "$ref", "only references into this document, #/…, are followed");
  const Json* at = &document_;
  size_t begin = 2;
  while (begin <= text.size() && text.size() > 1) {
    const size_t end = std::min(text.find('/', begin), text.size());
    const std::string token = unescaped_pointer(std::string_view(text).substr(begin, end - begin));
    const Json* next = nullptr;
    if (at->is_object() && at->contains(token)) next = &(*at)[token];
    if (at->is_array() && !token.empty() && token.size() < 6 &&
        std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
        std::stoul(token) < at->size())
      next = &(*at)[std::stoul(token)];
    if (next == nullptr) invalid(schema, "$ref", text + " is not in the document");
    at = next;
    begin = end + 1;
  }
  return visit(*at, text);
}

Shape SchemaReader::read(const Json& schema) {
  Shape shape;
  for (const auto& item : schema.items()) {
    const std::string& keyword = item.key();
    if (is_in(kAnnotations, keyword) || is_in(kJoined, keyword) || keyword.starts_with("x-"))
      continue;
    read_keyword(schema, keyword, item.value(), shape);
  }
  read_types(schema, shape);
  read_values(schema, shape);
  read_object(schema, shape);
  read_array(schema, shape);
  return shape;
}

void SchemaReader::read_keyword(const Json& schema, const std::string& keyword, const Json& value,
                                Shape& shape) {
  if (read_number_keyword(schema, keyword, value, shape) ||
      read_string_keyword(schema, keyword, value, shape) ||
      read_size_keyword(schema, keyword, value, shape))
    return;
  unsupported(schema, keyword, "the keyword is not among those this program knows to enforce");
}

bool SchemaReader::read_number_keyword(const Json& schema, const std::string& keyword,
                                       const Json& value, Shape& shape) {
  NumberLimits& limits = shape.number;
  const bool is_low = keyword == "minimum" || keyword == "exclusiveMinimum";
  const bool is_high = keyword == "maximum" || keyword == "exclusiveMaximum";
  if (!is_low && !is_high && keyword != "multipleOf") return false;
  if (!value.is_number()) invalid(schema, keyword, "must be a number");
  const std::optional<Decimal> number = read_decimal(value.dump());
  if (!number) unsupported(schema, keyword, "the number is too long");
  if (keyword == "multipleOf") {
    if (number->negative || number->is_zero()) invalid(schema, keyword, "must be above 0");
    if (!number->is_whole()) unsupported(schema, keyword, "it must be a whole number");
    if (number->whole.size() > 6) unsupported(schema, keyword, "is larger than 999999");
    limits.multiple_of = std::stoll(number->whole);
    limits.whole_only = true;
    return true;
  }
  const bool is_open = keyword.starts_with("exclusive");
  std::optional<Decimal>& limit = is_low ? limits.low : limits.high;
  bool& open = is_low ? limits.low_open : limits.high_open;
  const int order = limit ? compare(*number, *limit) * (is_low ? 1 : -1) : 1;
  if (order >= 0) open = order == 0 ? open || is_open : is_open;
  if (order > 0) limit = number;
  return true;
}

bool SchemaReader::read_string_keyword(const Json& schema, const std::string& keyword,
                                       const Json& value, Shape& shape) {
  if (keyword != "pattern" && keyword != "format") return false;
  if (!value.is_string()) invalid(schema, keyword, "must be a text");
  const auto text = value.get<std::string>();
  if (keyword == "pattern") {
    shape.patterns.push_back(pattern(schema, keyword, text));
    return true;
  }
  const std::string form = format_pattern(text);
  if (form.empty()) unsupported(schema, keyword, "the format \"" + text + "\" is not known");
  shape.formats.push_back(pattern(schema, keyword, form));
  return true;
}

std::shared_ptr<const Dfa> SchemaReader::pattern(const Json& schema, const std::string& keyword,
                                                 const std::string& text) {
  std::shared_ptr<const Dfa>& known = patterns_[text];
  if (known == nullptr)
    known = std::make_shared<Dfa>(compile_string_pattern(text, place(schema, keyword)));
  return known;
}

bool SchemaReader::read_size_keyword(const Json& schema, const std::string& keyword,
                                     const Json& value, Shape& shape) {
  const std::array<std::pair<std::string_view, int64_t*>, 6> sizes = {{
      {"minLength", &shape.min_characters},
      {"maxLength", &shape.max_characters},
      {"minItems", &shape.min_items},
      {"maxItems", &shape.max_items},
      {"minProperties", &shape.min_properties},
      {"maxProperties", &shape.max_properties},
  }};
  for (const auto& [name, size] : sizes) {
    if (keyword != name) continue;
    const double number = value.is_number() ? value.get<double>() : -1.0;
    if (number < 0 || number != std::floor(number))
      invalid(schema, keyword, "must be a whole number, 0 or more");
    const bool is_most = keyword.starts_with("max");
    if (number > static_cast<double>(kMaxSize) && !is_most)
      unsupported(schema, keyword, "is larger than 1000000");
    *size = static_cast<int64_t>(std::min(number, static_cast<double>(kMaxSize)));
    return true;
  }
  return false;
}

void SchemaReader::read_types(const Json& schema, Shape& shape) {
  const bool nullable = schema.contains("nullable") && schema["nullable"].is_boolean() &&
                        schema["nullable"].get<bool>();
  if (schema.contains("nullable") && !schema["nullable"].is_boolean())
    invalid(schema, "nullable", "must be true or false");
  if (!schema.contains("type")) {
    if (nullable) invalid(schema, "nullable", "needs a type beside it");
    return;
  }
  const Json& type = schema["type"];
  const Json list = type.is_array() ? type : Json::array({type});
  shape.types = nullable ? uint32_t{kNull} : 0U;
  bool any_number = false;
  for (const Json& item : list) {
    const std::string name = item.is_string() ? item.get<std::string>() : "";
    constexpr std::array<std::pair<std::string_view, TypeBit>, 7> kTypes = {{{"null", kNull},
                                                                             {"boolean", kBoolean},
                                                                             {"integer", kNumber},
                                                                             {"number", kNumber},
                                                                             {"string", kString},
                                                                             {"array", kArray},
                                                                             {"object", kObject}}};
    const auto* const known = std::find_if(kTypes.begin(), kTypes.end(),
                                           [&](const auto& one) { return one.first == name; });
    if (known == kTypes.end()) invalid(schema, "type", "is not a type of JSON Schema");
    shape.types |= known->second;
    any_number = any_number || name == "number";
  }
  shape.whole_only = !any_number;
  if (list.empty()) invalid(schema, "type", "must not be an empty list");
}

void SchemaReader::read_values(const Json& schema, Shape& shape) {
  if (schema.contains("enum")) {
    const Json& list = schema["enum"];
    if (!list.is_array() || list.empty())
      invalid(schema, "enum", "must be a list with at least one value");
    shape.values.emplace();
    for (const Json& value : list) shape.values->push_back(&value);
  }
  if (!schema.contains("const")) return;
  const Json& only = schema["const"];
  const bool listed = !shape.values || std::any_of(shape.values->begin(), shape.values->end(),
                                                   [&](const Json* one) { return *one == only; });
  shape.values.emplace();
  if (listed) shape.values->push_back(&only);
}

void SchemaReader::read_object(const Json& schema, Shape& shape) {
  ObjectRule rule;
  if (schema.contains("properties")) {
    const Json& properties = child(schema, "properties");
    if (!properties.is_object()) invalid(schema, "properties", "must be an object");
    for (const auto& item : properties.items())
      visit(item.value(), pointer(properties) + "/" + escaped_pointer(item.key()));
    rule.properties = &properties;
  }
  if (schema.contains("patternProperties")) {
    const Json& patterns = child(schema, "patternProperties");
    if (!patterns.is_object()) invalid(schema, "patternProperties", "must be an object");
    for (const auto& item : patterns.items()) {
      visit(item.value(), pointer(patterns) + "/" + escaped_pointer(item.key()));
      rule.patterns.emplace_back(pattern(schema, "patternProperties", item.key()), &item.value());
    }
  }
  if (schema.contains("additionalProperties"))
    rule.additional = &child(schema, "additionalProperties");
  if (rule.properties != nullptr || !rule.patterns.empty() || rule.additional != nullptr)
    shape.objects.push_back(std::move(rule));
  if (!schema.contains("required")) return;
  const Json& required = schema["required"];
  if (!required.is_array()) invalid(schema, "required", "must be a list of names");
  for (const Json& name : required) {
    if (!name.is_string()) invalid(schema, "required", "must be a list of names");
    shape.required.push_back(name.get<std::string>());
  }
}

void SchemaReader::read_array(const Json& schema, Shape& shape) {
  if (schema.contains("uniqueItems")) {
    const Json& unique = schema["uniqueItems"];
    if (!unique.is_boolean()) invalid(schema, "uniqueItems", "must be true or false");
    const bool one_at_most = shape.max_items >= 0 && shape.max_items <= 1;
    if (unique.get<bool>() && !one_at_most)
      unsupported(schema, "uniqueItems", "items would have to be compared with all before them");
  }
  ArrayRule rule;
  bool given = false;
  const bool old_form = schema.contains("items") && schema["items"].is_array();
  const std::string first = old_form ? "items" : "prefixItems";
  const std::string rest = old_form ? "additionalItems" : "items";
  if (schema.contains(first)) {
    if (!schema[first].is_array()) invalid(schema, first, "must be a list of schemas");
    for (size_t i = 0; i < schema[first].size(); ++i)
      rule.first.push_back(&branch(schema, first, i));
    given = true;
  }
  if (schema.contains(rest)) {
    rule.rest = &child(schema, rest);
    given = true;
  }
  if (old_form && schema.contains("prefixItems"))
    invalid(schema, "items", "must be a schema beside prefixItems");
  if (given) shape.arrays.push_back(std::move(rule));
}

}  // namespace onmal::json
