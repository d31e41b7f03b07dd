#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tokenizer/jinja/text.h"

namespace onmal::jinja {

class Interpreter;
class Value;

// What a name or an attribute is that does not exist: prints as nothing, is false and empty, and
// refuses everything else with `what`.
struct Undefined {
  std::shared_ptr<const std::string> what;
};
struct None {};

struct List {
  // A lazy list is what a filter such as `map` gives: it can be walked once, and no more.
  enum class Kind { kList, kTuple, kLazy };
  std::vector<Value> items;
  Kind kind = Kind::kList;
  bool walked = false;  // of a lazy one
  int depth = 0;        // of what it holds
};

// Keys in the order they came; any value that Python can hash.
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  int depth = 0;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(Value key, Value value);
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Anything with behaviour: functions, macros, bound methods, namespaces, loops.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& interpreter, const Arguments& arguments);
  // None when there is no such attribute.
  virtual std::optional<Value> attribute(const std::string& name);
  virtual std::optional<Value> item(const Value& key);

  int depth = 0;  // of the values it holds
};

class Value {
 public:
  using TextPtr = std::shared_ptr<const Text>;
  using ListPtr = std::shared_ptr<List>;
  using DictPtr = std::shared_ptr<Dict>;
  using ObjectPtr = std::shared_ptr<Object>;

  Value() : held_(Undefined{}) {}
  Value(None none) : held_(none) {}
  Value(Undefined undefined) : held_(std::move(undefined)) {}
  explicit Value(bool flag) : held_(flag) {}
  explicit Value(int64_t integer) : held_(integer) {}
  explicit Value(double real) : held_(real) {}
  explicit Value(Text text) : held_(std::make_shared<const Text>(std::move(text))) {}
  explicit Value(ListPtr list) : held_(std::move(list)) {}
  explicit Value(DictPtr dict) : held_(std::move(dict)) {}
  explicit Value(ObjectPtr object) : held_(std::move(object)) {}

  static Value of_text(std::string_view utf8, uint32_t mark = 0) {
    return Value(decode_text(utf8, mark));
  }
  static Value of_size(size_t size) { return Value(static_cast<int64_t>(size)); }
  static Value list(std::vector<Value> items, List::Kind kind = List::Kind::kList);
  static Value dict() { return Value(std::make_shared<Dict>()); }

  bool is_undefined() const { return std::holds_alternative<Undefined>(held_); }
  bool is_none() const { return std::holds_alternative<None>(held_); }
  bool is_bool() const { return std::holds_alternative<bool>(held_); }
  bool is_int() const { return std::holds_alternative<int64_t>(held_); }
  bool is_float() const { return std::holds_alternative<double>(held_); }
  bool is_number() const { return is_bool() || is_int() || is_float(); }
  bool is_text() const { return std::holds_alternative<TextPtr>(held_); }
  // Null when it is something else.
  const Text* text() const { return get<TextPtr, const Text>(); }
  List* list_or_null() const { return get<ListPtr, List>(); }
  Dict* dict_or_null() const { return get<DictPtr, Dict>(); }
  Object* object() const { return get<ObjectPtr, Object>(); }
  const Undefined* undefined() const { return std::get_if<Undefined>(&held_); }

  bool truth() const;
  // Of a bool or an int.
  std::optional<int64_t> whole() const;
  // Of any number.
  std::optional<double> real() const;
  // Python's name of the type.
  std::string_view type_name() const;
  // The same object, as `is sameas` asks.
  bool same_as(const Value& other) const;

 private:
  template <typename Pointer, typename T>
  T* get() const {
    const auto* pointer = std::get_if<Pointer>(&held_);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  std::variant<Undefined, None, bool, int64_t, double, TextPtr, ListPtr, DictPtr, ObjectPtr> held_;
};

// Python's ==. Adds to `cost` how many values were looked at; throws Error(kResource) for more than
// a million.
bool equal(const Value& a, const Value& b, int64_t* cost = nullptr);

// How deep lists, dictionaries and objects hold each other. Bounded, because they are printed,
// compared and destroyed by recursion: `deeper` throws Error(kResource) past the bound.
int depth_of(const Value& value);
int deeper(int depth);

}  // namespace onmal::jinja
