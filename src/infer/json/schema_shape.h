#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "infer/json/decimal.h"
#include "infer/json/dfa.h"

namespace onmal::json {

using Json = nlohmann::ordered_json;
// Schemas that a value must meet all.
using Schemas = std::vector<const Json*>;

enum TypeBit : uint32_t {
  kNull = 1,
  kBoolean = 2,
  kNumber = 4,
  kString = 8,
  kArray = 16,
  kObject = 32,
  kAnyType = 63,
};

// What one schema says about the properties of an object; "additional" is for those that neither
// its names nor its patterns meet.
struct ObjectRule {
  const Json* properties = nullptr;
  std::vector<std::pair<std::shared_ptr<const Dfa>, const Json*>> patterns;
  const Json* additional = nullptr;  // null: anything
};

struct ArrayRule {
  Schemas first;               // of the items at these places
  const Json* rest = nullptr;  // null: anything
};

// Schemas that must all be met, their alternatives multiplied out: what is left are limits by type.
struct Shape {
  uint32_t types = kAnyType;
  bool whole_only = false;  // numbers
  std::optional<std::vector<const Json*>> values;
  NumberLimits number;
  int64_t min_characters = 0;
  int64_t max_characters = -1;  // -1: any
  std::vector<std::shared_ptr<const Dfa>> patterns;
  std::vector<std::shared_ptr<const Dfa>> formats;  // not asked of `values`
  std::vector<ObjectRule> objects;
  std::vector<std::string> required;
  int64_t min_properties = 0;
  int64_t max_properties = -1;
  std::vector<ArrayRule> arrays;
  int64_t min_items = 0;
  int64_t max_items = -1;
};

// Reads schemas of one document, which must outlive it. Errors name keyword and JSON pointer.
class SchemaReader {
 public:
  explicit SchemaReader(const Json& document);

  // The alternatives of values that meet all of `schemas`; none: no value does.
  std::vector<Shape> shapes(const Schemas& schemas);
  // The schemas that the value of a property, or an item, must meet.
  static Schemas property_schemas(const Shape& shape, std::string_view name);
  static Schemas item_schemas(const Shape& shape, size_t place);
  // Names that any rule lists, in the order of the schema.
  static std::vector<std::string> listed_names(const Shape& shape);
  bool accepts(const Shape& shape, const Json& value);
  const std::string& pointer(const Json& schema) const { return pointers_.at(&schema); }

 private:
  using Trail = std::vector<const Json*>;  // schemas being multiplied out: references must not loop

  std::vector<Shape> alternatives(const Json& schema, Trail& trail);
  void multiply(std::vector<Shape>& shapes, const std::vector<Shape>& others, const Json& schema);
  std::vector<Shape> exclusive_branches(const Json& branches, const Json& schema,
                                        const std::vector<Shape>& context, Trail& trail);
  const Json& resolve(const Json& schema);
  const Json& visit(const Json& child, const std::string& pointer);
  const Json& child(const Json& schema, const std::string& keyword);
  const Json& branch(const Json& schema, const std::string& keyword, size_t which);

  Shape read(const Json& schema);
  void read_keyword(const Json& schema, const std::string& keyword, const Json& value,
                    Shape& shape);
  bool read_number_keyword(const Json& schema, const std::string& keyword, const Json& value,
                           Shape& shape);
  bool read_string_keyword(const Json& schema, const std::string& keyword, const Json& value,
                           Shape& shape);
  bool read_size_keyword(const Json& schema, const std::string& keyword, const Json& value,
                         Shape& shape);
  void read_types(const Json& schema, Shape& shape);
  void read_values(const Json& schema, Shape& shape);
  void read_object(const Json& schema, Shape& shape);
  void read_array(const Json& schema, Shape& shape);
  std::shared_ptr<const Dfa> pattern(const Json& schema, const std::string& keyword,
                                     const std::string& text);

  bool meets(const Schemas& schemas, const Json& value);
  bool accepts_object(const Shape& shape, const Json& value);
  bool accepts_array(const Shape& shape, const Json& value);
  bool disjoint(const Shape& a, const Shape& b, int depth);
  bool disjoint_objects(const Shape& a, const Shape& b, int depth);

  [[noreturn]] void unsupported(const Json& schema, const std::string& keyword,
                                const std::string& why) const;
  [[noreturn]] void invalid(const Json& schema, const std::string& keyword,
                            const std::string& what) const;
  std::string place(const Json& schema, const std::string& keyword) const;

  const Json& document_;
  std::map<const Json*, std::string> pointers_;
  std::map<std::string, std::shared_ptr<const Dfa>> patterns_;
};

}  // namespace onmal::json
