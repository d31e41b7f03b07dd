#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

// Jinja's tests: what stands behind `is`.
namespace onmal::jinja {
namespace {

template <bool (*kTest)(const Value&)>
bool unary(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "a test", arguments, {}, 0);
  return kTest(subject);
}

bool defined(const Value& value) { return !value.is_undefined(); }
bool undefined(const Value& value) { return value.is_undefined(); }
bool none(const Value& value) { return value.is_none(); }
bool string(const Value& value) { return value.is_text(); }
bool number(const Value& value) { return value.is_number(); }
bool integer(const Value& value) { return value.is_int(); }
bool real(const Value& value) { return value.is_float(); }
bool boolean(const Value& value) { return value.is_bool(); }
bool is_true(const Value& value) { return value.is_bool() && value.truth(); }
bool is_false(const Value& value) { return value.is_bool() && !value.truth(); }
bool mapping(const Value& value) { return value.dict_or_null() != nullptr; }
bool callable(const Value& value) {
  // Jinja's undefined values have a call, which fails.
  return value.is_undefined() || (value.object() != nullptr && value.object()->callable());
}
bool never(const Value& /*value*/) { return false; }
bool sequence(const Value& value) {
  const List* list = value.list_or_null();
  return value.is_text() || value.is_undefined() || value.dict_or_null() != nullptr ||
         (list != nullptr && list->kind != List::Kind::kLazy);
}
bool iterable(const Value& value) {
  return sequence(value) || value.list_or_null() != nullptr || value.type_name() == "LoopContext";
}

template <int kRest>
bool parity(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "a test", arguments, {}, 0);
  return compare(interpreter, "==", arithmetic(interpreter, "%", subject, Value(int64_t{2})),
                 Value(int64_t{kRest}));
}

bool divisible(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "divisibleby", arguments, {"num"}, 0);
  return compare(interpreter, "==", arithmetic(interpreter, "%", subject, bound.value(0)),
                 Value(int64_t{0}));
}

template <bool kUpper>
bool cased(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const Value text(to_text(interpreter, subject));
  return find_method(more_text_methods(), kUpper ? "isupper" : "islower")(interpreter, text,
                                                                          arguments)
      .truth();
}

bool same(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "sameas", arguments, {"other"}, 0);
  return subject.same_as(bound.value(0));
}

enum class Order { kEqual, kUnequal, kBelow, kAtMost, kAbove, kAtLeast, kIn };

template <Order kOrder>
bool ordered(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  constexpr const char* kNames[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
  const BoundArguments bound(interpreter, "a test", arguments, {"other"}, 0);
  return compare(interpreter, kNames[static_cast<int>(kOrder)], subject, bound.value(0));
}

bool is_filter(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  const std::string name = encode_text(to_text(interpreter, subject));
  const auto known = {text_filters(), number_filters(), sequence_filters(), selection_filters()};
  return std::any_of(known.begin(), known.end(),
                     [&](const auto& filters) { return find_method(filters, name) != nullptr; });
}

bool is_test(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  const std::string name = encode_text(to_text(interpreter, subject));
  const auto known = predicates();
  return std::any_of(known.begin(), known.end(),
                     [&](const NamedPredicate& test) { return test.name == name; });
}

}  // namespace

std::span<const NamedPredicate> predicates() {
  static constexpr NamedPredicate kPredicates[] = {
      {"defined", unary<defined>},
      {"undefined", unary<undefined>},
      {"none", unary<none>},
      {"string", unary<string>},
      {"number", unary<number>},
      {"integer", unary<integer>},
      {"float", unary<real>},
      {"boolean", unary<boolean>},
      {"true", unary<is_true>},
      {"false", unary<is_false>},
      {"mapping", unary<mapping>},
      {"iterable", unary<iterable>},
      {"sequence", unary<sequence>},
      {"callable", unary<callable>},
      {"escaped", unary<never>},
      {"odd", parity<1>},
      {"even", parity<0>},
      {"divisibleby", divisible},
      {"upper", cased<true>},
      {"lower", cased<false>},
      {"sameas", same},
      {"equalto", ordered<Order::kEqual>},
      {"eq", ordered<Order::kEqual>},
      {"==", ordered<Order::kEqual>},
      {"ne", ordered<Order::kUnequal>},
      {"!=", ordered<Order::kUnequal>},
      {"lt", ordered<Order::kBelow>},
      {"lessthan", ordered<Order::kBelow>},
      {"<", ordered<Order::kBelow>},
      {"le", ordered<Order::kAtMost>},
      {"<=", ordered<Order::kAtMost>},
      {"gt", ordered<Order::kAbove>},
      {"greaterthan", ordered<Order::kAbove>},
      {">", ordered<Order::kAbove>},
      {"ge", ordered<Order::kAtLeast>},
      {">=", ordered<Order::kAtLeast>},
      {"in", ordered<Order::kIn>},
      {"filter", is_filter},
      {"test", is_test},
  };
  return kPredicates;
}

}  // namespace onmal::jinja
