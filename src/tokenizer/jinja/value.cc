#include "tokenizer/jinja/value.h"

#include <algorithm>

#include "base/error.h"

namespace onmal::jinja {

Value Value::list(std::vector<Value> items, List::Kind kind) {
  auto made = std::make_shared<List>();
  for (const Value& item : items) made->depth = std::max(made->depth, deeper(depth_of(item)));
  made->items = std::move(items);
  made->kind = kind;
  return Value(std::move(made));
}

const Value* Dict::find(const Value& key) const {
  for (const auto& [known, value] : items) {
    if (equal(known, key)) return &value;
  }
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [known, value] : items) {
    if (known.is_text() && equal_text(*known.text(), key)) return &value;
  }
  return nullptr;
}

void Dict::set(Value key, Value value) {
  depth = std::max({depth, deeper(depth_of(key)), deeper(depth_of(value))});
  for (auto& [known, held] : items) {
    if (equal(known, key)) {
      held = std::move(value);
      return;
    }
  }
  items.emplace_back(std::move(key), std::move(value));
}

Value Object::call(Interpreter& /*interpreter*/, const Arguments& /*arguments*/) {
  throw Error(ErrorCode::kInvalidArgument, "chat template",
              "an object '" + std::string(type_name()) + "' is not callable");
}

std::optional<Value> Object::attribute(const std::string& /*name*/) { return std::nullopt; }
std::optional<Value> Object::item(const Value& /*key*/) { return std::nullopt; }

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (const auto number = real()) return *number != 0;
  if (const Text* held = text()) return !held->empty();
  if (const List* held = list_or_null()) {
    return held->kind == List::Kind::kLazy || !held->items.empty();
  }
  if (const Dict* held = dict_or_null()) return !held->items.empty();
  return true;
}

std::optional<int64_t> Value::whole() const {
  if (const bool* flag = std::get_if<bool>(&held_)) return *flag ? 1 : 0;
  if (const int64_t* integer = std::get_if<int64_t>(&held_)) return *integer;
  return std::nullopt;
}

std::optional<double> Value::real() const {
  if (const double* number = std::get_if<double>(&held_)) return *number;
  if (const auto integer = whole()) return static_cast<double>(*integer);
  return std::nullopt;
}

std::string_view Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (is_text()) return "str";
  if (const List* held = list_or_null()) {
    return held->kind == List::Kind::kList    ? "list"
           : held->kind == List::Kind::kTuple ? "tuple"
                                              : "generator";
  }
  if (dict_or_null() != nullptr) return "dict";
  return object()->type_name();
}

bool Value::same_as(const Value& other) const {
  if (held_.index() != other.held_.index()) return false;
  if (is_text()) return equal_text(*text(), *other.text());
  if (list_or_null() != nullptr) return list_or_null() == other.list_or_null();
  if (dict_or_null() != nullptr) return dict_or_null() == other.dict_or_null();
  if (object() != nullptr) return object() == other.object();
  return equal(*this, other);
}

int depth_of(const Value& value) {
  if (const List* list = value.list_or_null()) return list->depth;
  if (const Dict* dict = value.dict_or_null()) return dict->depth;
  if (const Object* object = value.object()) return object->depth;
  return 0;
}

int deeper(int depth) {
  constexpr int kMostDepth = 300;
  if (depth < kMostDepth) return depth + 1;
  throw Error(ErrorCode::kResource, "chat template", "values hold each other too deep");
}

namespace {

class Comparison {
 public:
  bool equal(const Value& a, const Value& b) {
    constexpr int64_t kMost = 1'000'000;
    if (++looked_at > kMost) {
      throw Error(ErrorCode::kResource, "chat template", "two values are too large to compare");
    }
    if (a.is_number() && b.is_number()) {
      const auto whole_a = a.whole();
      const auto whole_b = b.whole();
      return whole_a && whole_b ? *whole_a == *whole_b : *a.real() == *b.real();
    }
    if (a.is_text() && b.is_text()) return equal_text(*a.text(), *b.text());
    if (a.is_none() || a.is_undefined()) {
      return a.is_none() ? b.is_none() : b.is_undefined();
    }
    if (a.list_or_null() != nullptr && b.list_or_null() != nullptr) {
      return a.list_or_null() == b.list_or_null() ||
             (a.list_or_null()->kind != List::Kind::kLazy &&
              equal_lists(*a.list_or_null(), *b.list_or_null()));
    }
    if (a.dict_or_null() != nullptr && b.dict_or_null() != nullptr) {
      return a.dict_or_null() == b.dict_or_null() ||
             equal_dicts(*a.dict_or_null(), *b.dict_or_null());
    }
    return a.object() != nullptr && a.object() == b.object();
  }

  int64_t looked_at = 0;

 private:
  bool equal_lists(const List& a, const List& b) {
    if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
    return std::equal(a.items.begin(), a.items.end(), b.items.begin(),
                      [&](const Value& x, const Value& y) { return equal(x, y); });
  }

  bool equal_dicts(const Dict& a, const Dict& b) {
    if (a.items.size() != b.items.size()) return false;
    return std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
      const Value* other = b.find(item.first);
      return other != nullptr && equal(item.second, *other);
    });
  }
};

}  // namespace

bool equal(const Value& a, const Value& b, int64_t* cost) {
  Comparison comparison;
  const bool result = comparison.equal(a, b);
  if (cost != nullptr) *cost += comparison.looked_at;
  return result;
}

}  // namespace onmal::jinja
