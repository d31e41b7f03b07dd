#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

// Filters that take a sequence as a whole; those that take its items one by one are in
// selection_filters.cc.
namespace onmal::jinja {
namespace {

Value length(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "length", arguments, {}, 0);
  const List* list = subject.list_or_null();
  if (subject.is_undefined()) return Value(int64_t{0});
  if (subject.is_text()) return Value::of_size(subject.text()->size());
  if (list != nullptr && list->kind != List::Kind::kLazy) return Value::of_size(list->items.size());
  if (subject.dict_or_null() != nullptr)
    return Value::of_size(subject.dict_or_null()->items.size());
  interpreter.fail("a value of the type " + std::string(subject.type_name()) + " has no length");
}

Value list(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  return Value::list(interpreter.walk(subject));
}

Value items(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  if (subject.is_undefined()) return Value::list({}, List::Kind::kLazy);
  if (subject.dict_or_null() == nullptr) interpreter.fail("'items' needs a dictionary");
  const Value pairs = find_method(dict_methods(), "items")(interpreter, subject, {});
  return Value::list(pairs.list_or_null()->items, List::Kind::kLazy);
}

Value defaulted(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "default", arguments, {"default_value", "boolean"}, 2);
  const bool missing = subject.is_undefined() || (bound.truth(1, false) && !subject.truth());
  return missing ? bound.value_or(0, Value(Text())) : subject;
}

Value first(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  const std::vector<Value> held = interpreter.walk(subject);
  if (!held.empty()) return held.front();
  return Undefined{
      std::make_shared<const std::string>("there is no first item, the sequence is empty")};
}

Value last(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  const List* sequence = subject.list_or_null();
  if (sequence != nullptr && sequence->kind == List::Kind::kLazy)
    interpreter.fail("'last' needs a list; use '|list' first");
  const std::vector<Value> held = interpreter.walk(subject);
  if (!held.empty()) return held.back();
  return Undefined{
      std::make_shared<const std::string>("there is no last item, the sequence is empty")};
}

Value join(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "join", arguments, {"d", "attribute"}, 2);
  const Text separator = bound.given(0) ? to_text(interpreter, bound.value(0)) : Text();
  Text result;
  bool begun = false;
  for (const Value& item : interpreter.walk(subject)) {
    if (std::exchange(begun, true)) result += separator;
    const bool inner = bound.given(1) && !bound.value(1).is_none();
    result += to_text(interpreter, inner ? look_up_path(interpreter, item, bound.value(1)) : item);
    interpreter.check_size(result.size());
  }
  interpreter.charge(static_cast<int64_t>(result.size() / 8));
  return Value(std::move(result));
}

Value reverse(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  if (subject.is_text()) return Value(Text(subject.text()->rbegin(), subject.text()->rend()));
  std::vector<Value> held = interpreter.walk(subject);
  std::reverse(held.begin(), held.end());
  return Value::list(std::move(held), List::Kind::kLazy);
}

// What values are sorted and compared by: lower case unless case counts.
Value sort_key(const Value& value, bool case_sensitive) {
  return !case_sensitive && value.is_text() ? Value(lower_text(*value.text())) : value;
}

using Keyed = std::pair<std::vector<Value>, Value>;

void sort_keyed(Interpreter& interpreter, std::vector<Keyed>& entries, bool reversed) {
  interpreter.charge(static_cast<int64_t>(entries.size()));
  const auto below = [&](const Keyed& a, const Keyed& b) {
    for (size_t i = 0; i < a.first.size(); ++i) {
      const Value& x = reversed ? b.first[i] : a.first[i];
      const Value& y = reversed ? a.first[i] : b.first[i];
      if (!compare(interpreter, "==", x, y)) return compare(interpreter, "<", x, y);
    }
    return false;
  };
  std::stable_sort(entries.begin(), entries.end(), below);
}

Value sort(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "sort", arguments,
                             {"reverse", "case_sensitive", "attribute"}, 3);
  std::vector<Value> paths;
  if (bound.given(2) && bound.value(2).is_text()) {
    const Text comma = U",";
    for (Text& part : split_text(*bound.value(2).text(), &comma, -1))
      paths.emplace_back(std::move(part));
  } else if (bound.given(2) && !bound.value(2).is_none()) {
    paths.push_back(bound.value(2));
  }
  std::vector<Keyed> entries;
  for (Value& item : interpreter.walk(subject)) {
    std::vector<Value> keys;
    for (const Value& path : paths)
      keys.push_back(sort_key(look_up_path(interpreter, item, path), bound.truth(1, false)));
    if (paths.empty()) keys.push_back(sort_key(item, bound.truth(1, false)));
    entries.emplace_back(std::move(keys), std::move(item));
  }
  sort_keyed(interpreter, entries, bound.truth(0, false));
  std::vector<Value> sorted;
  for (Keyed& entry : entries) sorted.push_back(std::move(entry.second));
  return Value::list(std::move(sorted));
}

Value dictsort(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "dictsort", arguments,
                             {"case_sensitive", "by", "reverse"}, 3);
  interpreter.need_defined(subject);
  const Dict* dict = subject.dict_or_null();
  if (dict == nullptr) interpreter.fail("'dictsort' needs a dictionary");
  const Text* by = bound.text(1);
  const bool by_value = by != nullptr && equal_text(*by, "value");
  if (by != nullptr && !by_value && !equal_text(*by, "key"))
    interpreter.fail("'dictsort' sorts by key or value");
  std::vector<Keyed> entries;
  for (const auto& [key, value] : dict->items) {
    entries.push_back({{sort_key(by_value ? value : key, bound.truth(0, false))},
                       Value::list({key, value}, List::Kind::kTuple)});
  }
  sort_keyed(interpreter, entries, bound.truth(2, false));
  std::vector<Value> sorted;
  for (Keyed& entry : entries) sorted.push_back(std::move(entry.second));
  return Value::list(std::move(sorted));
}

Value groupby(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "groupby", arguments,
                             {"attribute", "default", "case_sensitive"}, 2);
  const bool sensitive = bound.truth(2, false);
  std::vector<Keyed> entries;
  const auto plain_key = [&](const Value& item) {
    const Value key = look_up_path(interpreter, item, bound.value(0));
    return key.is_undefined() && bound.given(1) ? bound.value(1) : key;
  };
  for (Value& item : interpreter.walk(subject)) {
    std::vector<Value> keys{sort_key(plain_key(item), sensitive)};
    entries.emplace_back(std::move(keys), std::move(item));
  }
  if (entries.size() > 1) {  // keys are put in order, and what is undefined has none
    for (const Keyed& entry : entries) interpreter.need_defined(entry.first[0]);
  }
  sort_keyed(interpreter, entries, false);
  std::vector<Value> groups;
  for (size_t begin = 0; begin < entries.size();) {
    std::vector<Value> group;
    size_t end = begin;
    while (end < entries.size() &&
           compare(interpreter, "==", entries[end].first[0], entries[begin].first[0])) {
      group.push_back(entries[end++].second);
    }
    if (end == begin) interpreter.fail("'groupby' met a key that is not equal to itself");
    groups.push_back(Value::list({plain_key(entries[begin].second), Value::list(std::move(group))},
                                 List::Kind::kTuple));
    begin = end;
  }
  return Value::list(std::move(groups));
}

Value unique(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "unique", arguments, {"case_sensitive", "attribute"}, 2);
  std::vector<Value> seen;
  std::vector<Value> kept;
  for (Value& item : interpreter.walk(subject)) {
    const bool inner = bound.given(1) && !bound.value(1).is_none();
    const Value key = sort_key(inner ? look_up_path(interpreter, item, bound.value(1)) : item,
                               bound.truth(0, false));
    const bool known = std::any_of(seen.begin(), seen.end(), [&](const Value& other) {
      return compare(interpreter, "==", other, key);
    });
    if (known) continue;
    seen.push_back(key);
    kept.push_back(std::move(item));
  }
  return Value::list(std::move(kept), List::Kind::kLazy);
}

template <bool kLargest>
Value extreme(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, kLargest ? "max" : "min", arguments,
                             {"case_sensitive", "attribute"}, 2);
  std::optional<Value> best;
  Value best_key;
  for (Value& item : interpreter.walk(subject)) {
    const bool inner = bound.given(1) && !bound.value(1).is_none();
    Value key = sort_key(inner ? look_up_path(interpreter, item, bound.value(1)) : item,
                         bound.truth(0, false));
    if (best && !compare(interpreter, kLargest ? ">" : "<", key, best_key)) continue;
    best_key = std::move(key);
    best = std::move(item);
  }
  if (best) return *best;
  return Undefined{
      std::make_shared<const std::string>("an empty sequence has no smallest or largest item")};
}

Value sum(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "sum", arguments, {"attribute", "start"}, 2);
  Value total = bound.value_or(1, Value(int64_t{0}));
  for (const Value& item : interpreter.walk(subject)) {
    const bool inner = bound.given(0) && !bound.value(0).is_none();
    total = arithmetic(interpreter, "+", total,
                       inner ? look_up_path(interpreter, item, bound.value(0)) : item);
  }
  return total;
}

Value batch(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "batch", arguments, {"linecount", "fill_with"}, 1);
  const int64_t size = bound.whole(0, 0);
  std::vector<Value> rows;
  std::vector<Value> row;
  const auto close = [&] { rows.push_back(Value::list(std::exchange(row, {}))); };
  for (Value& item : interpreter.walk(subject)) {
    if (static_cast<int64_t>(row.size()) == size) close();
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    if (bound.given(1) && !bound.value(1).is_none()) {
      interpreter.charge(size);
      while (static_cast<int64_t>(row.size()) < size) row.push_back(bound.value(1));
    }
    close();
  }
  return Value::list(std::move(rows), List::Kind::kLazy);
}

Value slice(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "slice", arguments, {"slices", "fill_with"}, 1);
  const std::vector<Value> held = interpreter.walk(subject);
  const int64_t count = bound.whole(0, 0);
  if (count <= 0) interpreter.fail("'slice' needs a positive number");
  interpreter.charge(count);
  const auto slices = static_cast<size_t>(count);
  std::vector<Value> result;
  size_t at = 0;
  for (size_t i = 0; i < slices; ++i) {
    const size_t size = held.size() / slices + (i < held.size() % slices ? 1 : 0);
    std::vector<Value> part(held.begin() + static_cast<std::ptrdiff_t>(at),
                            held.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
    if (bound.given(1) && !bound.value(1).is_none() && i >= held.size() % slices)
      part.push_back(bound.value(1));
    result.push_back(Value::list(std::move(part)));
  }
  return Value::list(std::move(result), List::Kind::kLazy);
}

}  // namespace

std::span<const NamedMethod> sequence_filters() {
  static constexpr NamedMethod kFilters[] = {
      {"length", length},     {"count", length},    {"list", list},          {"items", items},
      {"default", defaulted}, {"d", defaulted},     {"first", first},        {"last", last},
      {"join", join},         {"reverse", reverse}, {"sort", sort},          {"dictsort", dictsort},
      {"groupby", groupby},   {"unique", unique},   {"min", extreme<false>}, {"max", extreme<true>},
      {"sum", sum},           {"batch", batch},     {"slice", slice},
  };
  return kFilters;
}

}  // namespace onmal::jinja
