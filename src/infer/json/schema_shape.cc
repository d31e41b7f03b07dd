#include "infer/json/schema_shape.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "infer/json/string_forms.h"

namespace onmal::json {
namespace {

constexpr size_t kMaxAlternatives = 256;
constexpr int kMaxProofDepth = 4;

void keep_smaller(int64_t& most, int64_t other) {
  if (other >= 0 && (most < 0 || other < most)) most = other;
}

void keep_narrower(NumberLimits& limits, const NumberLimits& other) {
  limits.whole_only = limits.whole_only || other.whole_only;
  if (other.low) {
    const int order = limits.low ? compare(*other.low, *limits.low) : 1;
    limits.low_open =
        order > 0 ? other.low_open : limits.low_open || (order == 0 && other.low_open);
    if (order > 0) limits.low = other.low;
  }
  if (other.high) {
    const int order = limits.high ? compare(*other.high, *limits.high) : -1;
    limits.high_open =
        order < 0 ? other.high_open : limits.high_open || (order == 0 && other.high_open);
    if (order < 0) limits.high = other.high;
  }
}

template <typename T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

int64_t least_common_multiple(int64_t a, int64_t b) {
  int64_t x = a;
  int64_t y = b;
  while (y != 0) std::swap(x %= y, y);
  return a / x * b;
}

Shape both(const Shape& a, const Shape& b) {
  Shape shape = a;
  shape.types &= b.types;
  shape.whole_only = a.whole_only || b.whole_only;
  if (b.values && a.values) {
    std::erase_if(*shape.values, [&](const Json* value) {
      return std::none_of(b.values->begin(), b.values->end(),
                          [&](const Json* other) { return *value == *other; });
    });
  } else if (b.values) {
    shape.values = b.values;
  }
  keep_narrower(shape.number, b.number);
  shape.number.multiple_of = least_common_multiple(a.number.multiple_of, b.number.multiple_of);
  shape.min_characters = std::max(a.min_characters, b.min_characters);
  keep_smaller(shape.max_characters, b.max_characters);
  append(shape.patterns, b.patterns);
  append(shape.formats, b.formats);
  append(shape.objects, b.objects);
  append(shape.required, b.required);
  shape.min_properties = std::max(a.min_properties, b.min_properties);
  keep_smaller(shape.max_properties, b.max_properties);
  append(shape.arrays, b.arrays);
  shape.min_items = std::max(a.min_items, b.min_items);
  keep_smaller(shape.max_items, b.max_items);
  return shape;
}

uint32_t type_of(const Json& value) {
  if (value.is_null()) return kNull;
  if (value.is_boolean()) return kBoolean;
  if (value.is_number()) return kNumber;
  if (value.is_string()) return kString;
  return value.is_array() ? kArray : kObject;
}

// -1 above all limits … whether a number meets the limits of a shape.
bool in_limits(const Shape& shape, const Json& value) {
  const std::optional<Decimal> number = read_decimal(value.dump());
  if (!number) return false;
  const NumberLimits& limits = shape.number;
  if (limits.low && compare(*number, *limits.low) < (limits.low_open ? 1 : 0)) return false;
  if (limits.high && compare(*number, *limits.high) > (limits.high_open ? -1 : 0)) return false;
  const bool needs_whole = shape.whole_only || limits.whole_only;
  if (needs_whole && !number->is_whole()) return false;
  int64_t remainder = 0;
  for (const char digit : number->whole) {
    remainder = (10 * remainder + (digit - '0')) % limits.multiple_of;
  }
  return remainder == 0;
}

int64_t characters_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

bool in_size(int64_t size, int64_t least, int64_t most) {
  return size >= least && (most < 0 || size <= most);
}

}  // namespace

SchemaReader::SchemaReader(const Json& document) : document_(document) {
  pointers_[&document] = "#";
}

std::vector<Shape> SchemaReader::shapes(const Schemas& schemas) {
  std::vector<Shape> all(1);
  for (const Json* schema : schemas) {
    Trail trail;
    multiply(all, alternatives(*schema, trail), *schema);
  }
  return all;
}

void SchemaReader::multiply(std::vector<Shape>& shapes, const std::vector<Shape>& others,
                            const Json& schema) {
  std::vector<Shape> products;
  for (const Shape& a : shapes) {
    for (const Shape& b : others) {
      Shape product = both(a, b);
      if (product.types == 0 || (product.values && product.values->empty())) continue;
      if (product.number.multiple_of > 1'000'000)
        unsupported(schema, "multipleOf", "is larger than 1000000");
      products.push_back(std::move(product));
    }
  }
  if (products.size() > kMaxAlternatives)
    unsupported(schema, "anyOf", "multiplies out to more than 256 alternatives");
  shapes = std::move(products);
}

std::vector<Shape> SchemaReader::alternatives(const Json& schema, Trail& trail) {
  if (schema.is_boolean()) return std::vector<Shape>(schema.get<bool>() ? 1 : 0);
  if (!schema.is_object())
    throw Error(ErrorCode::kInvalidArgument, pointer(schema),
                "a schema must be an object, true or false");
  if (std::find(trail.begin(), trail.end(), &schema) != trail.end())
    throw Error(ErrorCode::kInvalidArgument, pointer(schema),
                "the schema refers to itself without anything between");
  trail.push_back(&schema);
  std::vector<Shape> all(1);
  multiply(all, {read(schema)}, schema);
  if (schema.contains("$ref")) multiply(all, alternatives(resolve(schema), trail), schema);
  const auto branches_of = [&](const char* keyword) -> const Json& {
    const Json& branches = schema[keyword];
    if (!branches.is_array() || branches.empty())
      invalid(schema, keyword, "must be a list of schemas");
    return branches;
  };
  if (schema.contains("allOf")) {
    for (size_t i = 0; i < branches_of("allOf").size(); ++i)
      multiply(all, alternatives(branch(schema, "allOf", i), trail), schema);
  }
  if (schema.contains("anyOf")) {
    std::vector<Shape> any;
    for (size_t i = 0; i < branches_of("anyOf").size(); ++i)
      append(any, alternatives(branch(schema, "anyOf", i), trail));
    multiply(all, any, schema);
  }
  if (schema.contains("oneOf"))
    multiply(all, exclusive_branches(branches_of("oneOf"), schema, all, trail), schema);
  trail.pop_back();
  return all;
}

std::vector<Shape> SchemaReader::exclusive_branches(const Json& branches, const Json& schema,
                                                    const std::vector<Shape>& context,
                                                    Trail& trail) {
  std::vector<std::vector<Shape>> each;
  for (size_t i = 0; i < branches.size(); ++i) {
    each.push_back(alternatives(branch(schema, "oneOf", i), trail));
    std::vector<Shape> narrowed = each.back();
    multiply(narrowed, context, schema);
    for (size_t j = 0; j < i; ++j) {
      for (const Shape& a : narrowed) {
        for (const Shape& b : each[j]) {
          if (disjoint(a, b, 0)) continue;
          unsupported(schema, "oneOf",
                      "branches " + std::to_string(j) + " and " + std::to_string(i) +
                          " are not seen to exclude each other: use anyOf, or a required property "
                          "with a const of its own in each");
        }
      }
    }
  }
  std::vector<Shape> all;
  for (const std::vector<Shape>& shapes : each) append(all, shapes);
  return all;
}

// No value meets both, as far as a look at types, values, limits and required properties can tell.
bool SchemaReader::disjoint(const Shape& a, const Shape& b, int depth) {
  const auto apart = [&](const Shape& listed, const Shape& other) {
    return listed.values &&
           std::none_of(listed.values->begin(), listed.values->end(), [&](const Json* value) {
             return accepts(listed, *value) && accepts(other, *value);
           });
  };
  if (apart(a, b) || apart(b, a)) return true;
  const Shape common = both(a, b);
  const uint32_t types = common.types;
  if ((types & (kNull | kBoolean)) != 0) return false;
  if ((types & kNumber) != 0) {
    const NumberLimits& limits = common.number;
    const int order = limits.low && limits.high ? compare(*limits.low, *limits.high) : -1;
    if (order < 0 || (order == 0 && !limits.low_open && !limits.high_open)) return false;
  }
  if ((types & kString) != 0) {
    const bool no_length =
        common.max_characters >= 0 && common.max_characters < common.min_characters;
    std::vector<const Dfa*> patterns;
    for (const auto& pattern : common.patterns) patterns.push_back(pattern.get());
    const bool no_text = patterns.size() > 1 && intersect(patterns, 0, -1, "oneOf").is_empty();
    if (!no_length && !no_text) return false;
  }
  if ((types & kArray) != 0 && !(common.max_items >= 0 && common.max_items < common.min_items))
    return false;
  return (types & kObject) == 0 || disjoint_objects(a, b, depth);
}

bool SchemaReader::disjoint_objects(const Shape& a, const Shape& b, int depth) {
  if (depth >= kMaxProofDepth) return false;
  std::vector<std::string> names = a.required;
  append(names, b.required);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::vector<Shape> in_a = shapes(property_schemas(a, name));
    const std::vector<Shape> in_b = shapes(property_schemas(b, name));
    return std::all_of(in_a.begin(), in_a.end(), [&](const Shape& one) {
      return std::all_of(in_b.begin(), in_b.end(),
                         [&](const Shape& other) { return disjoint(one, other, depth + 1); });
    });
  });
}

Schemas SchemaReader::property_schemas(const Shape& shape, std::string_view name) {
  Schemas all;
  for (const ObjectRule& rule : shape.objects) {
    bool met = false;
    if (rule.properties != nullptr) {
      const auto own = rule.properties->find(std::string(name));
      met = own != rule.properties->end();
      if (met) all.push_back(&*own);
    }
    for (const auto& [pattern, schema] : rule.patterns) {
      if (!pattern->matches(quoted_text(name))) continue;
      met = true;
      all.push_back(schema);
    }
    if (!met && rule.additional != nullptr) all.push_back(rule.additional);
  }
  return all;
}

Schemas SchemaReader::item_schemas(const Shape& shape, size_t place) {
  Schemas all;
  for (const ArrayRule& rule : shape.arrays) {
    if (place < rule.first.size()) {
      all.push_back(rule.first[place]);
    } else if (rule.rest != nullptr) {
      all.push_back(rule.rest);
    }
  }
  return all;
}

std::vector<std::string> SchemaReader::listed_names(const Shape& shape) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const ObjectRule& rule : shape.objects) {
    if (rule.properties == nullptr) continue;
    for (const auto& item : rule.properties->items()) add(item.key());
  }
  for (const std::string& name : shape.required) add(name);
  return names;
}

bool SchemaReader::meets(const Schemas& schemas, const Json& value) {
  const std::vector<Shape> all = shapes(schemas);
  return std::any_of(all.begin(), all.end(),
                     [&](const Shape& shape) { return accepts(shape, value); });
}

bool SchemaReader::accepts(const Shape& shape, const Json& value) {
  const uint32_t type = type_of(value);
  if ((shape.types & type) == 0) return false;
  if (shape.values && std::none_of(shape.values->begin(), shape.values->end(),
                                   [&](const Json* one) { return *one == value; }))
    return false;
  if (type == kNumber) return in_limits(shape, value);
  if (type == kArray) return accepts_array(shape, value);
  if (type == kObject) return accepts_object(shape, value);
  if (type != kString) return true;
  const auto& text = value.get_ref<const std::string&>();
  return in_size(characters_of(text), shape.min_characters, shape.max_characters) &&
         std::all_of(shape.patterns.begin(), shape.patterns.end(),
                     [&](const auto& pattern) { return pattern->matches(quoted_text(text)); });
}

bool SchemaReader::accepts_object(const Shape& shape, const Json& value) {
  if (!in_size(static_cast<int64_t>(value.size()), shape.min_properties, shape.max_properties))
    return false;
  for (const std::string& name : shape.required) {
    if (!value.contains(name)) return false;
  }
  for (const auto& item : value.items()) {
    if (!meets(property_schemas(shape, item.key()), item.value())) return false;
  }
  return true;
}

bool SchemaReader::accepts_array(const Shape& shape, const Json& value) {
  if (!in_size(static_cast<int64_t>(value.size()), shape.min_items, shape.max_items)) return false;
  for (size_t i = 0; i < value.size(); ++i) {
    if (!meets(item_schemas(shape, i), value[i])) return false;
  }
  return true;
}

}  // namespace onmal::json
