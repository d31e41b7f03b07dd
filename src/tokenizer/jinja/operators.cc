#include "tokenizer/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/print.h"

namespace onmal::jinja {
namespace {

[[noreturn]] void refuse(Interpreter& interpreter, const std::string& name, const Value& a,
                         const Value& b) {
  interpreter.fail("operator '" + name + "' does not work on " + std::string(a.type_name()) +
                   " and " + std::string(b.type_name()));
}

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

double float_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

// Python's float floor division: from the exact remainder.
double float_floor_divide(double a, double b) {
  double quotient = (a - float_modulo(a, b)) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value whole_power(Interpreter& interpreter, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) interpreter.fail("0 has no negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
      interpreter.fail("a number is too large");
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
      interpreter.fail("a number is too large");
  }
  return Value(result);
}

Value whole_arithmetic(Interpreter& interpreter, const std::string& name, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (name == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (name == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (name == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else if (name == "**") {
    return whole_power(interpreter, a, b);
  } else {
    if (b == 0) interpreter.fail("division by zero");
    if (name == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
    if (b == -1) {
      overflow = name == "//" && __builtin_sub_overflow(int64_t{0}, a, &result);
    } else {
      result = name == "//" ? floor_divide(a, b) : a - floor_divide(a, b) * b;
    }
  }
  if (overflow) interpreter.fail("a number is too large");
  return Value(result);
}

Value float_arithmetic(Interpreter& interpreter, const std::string& name, double a, double b) {
  if (name == "+") return Value(a + b);
  if (name == "-") return Value(a - b);
  if (name == "*") return Value(a * b);
  if (name == "**") {
    if (a == 0 && b < 0) interpreter.fail("0 has no negative power");
    if (a < 0 && b != std::floor(b)) interpreter.fail("a negative number has no fractional power");
    const double power = std::pow(a, b);
    if (std::isinf(power) && std::isfinite(a) && std::isfinite(b))
      interpreter.fail("a number is too large");
    return Value(power);
  }
  if (b == 0) interpreter.fail("division by zero");
  if (name == "/") return Value(a / b);
  return Value(name == "//" ? float_floor_divide(a, b) : float_modulo(a, b));
}

Value repeated(Interpreter& interpreter, const Value& sequence, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const size_t size =
      sequence.is_text() ? sequence.text()->size() : sequence.list_or_null()->items.size();
  if (size > 0 && times > int64_t{1} << 32) interpreter.check_size(size_t{1} << 62);
  const size_t total = size * static_cast<size_t>(times);
  interpreter.check_size(total);
  interpreter.charge(static_cast<int64_t>(sequence.is_text() ? total / 8 : total));
  if (size == 0) times = 0;
  if (sequence.is_text()) {
    Text text;
    text.reserve(total);
    for (int64_t i = 0; i < times; ++i) text += *sequence.text();
    return Value(std::move(text));
  }
  std::vector<Value> items;
  const List& list = *sequence.list_or_null();
  for (int64_t i = 0; i < times; ++i)
    items.insert(items.end(), list.items.begin(), list.items.end());
  return Value::list(std::move(items), list.kind);
}

bool is_sequence(const Value& value) {
  return value.is_text() ||
         (value.list_or_null() != nullptr && value.list_or_null()->kind != List::Kind::kLazy);
}

Value joined(Interpreter& interpreter, const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) {
    interpreter.check_size(a.text()->size() + b.text()->size());
    return Value(*a.text() + *b.text());
  }
  const List* left = a.list_or_null();
  const List* right = b.list_or_null();
  if (left == nullptr || right == nullptr || left->kind != right->kind ||
      left->kind == List::Kind::kLazy) {
    refuse(interpreter, "+", a, b);
  }
  interpreter.charge(static_cast<int64_t>(left->items.size() + right->items.size()));
  std::vector<Value> items = left->items;
  items.insert(items.end(), right->items.begin(), right->items.end());
  return Value::list(std::move(items), left->kind);
}

}  // namespace

Value arithmetic(Interpreter& interpreter, const std::string& name, const Value& a,
                 const Value& b) {
  if (name == "~") {
    Text text = to_text(interpreter, a);
    text += to_text(interpreter, b);
    interpreter.check_size(text.size());
    return Value(std::move(text));
  }
  interpreter.need_defined(a);
  if (name == "%" && a.is_text()) return Value(format_percent(interpreter, *a.text(), b));
  interpreter.need_defined(b);
  if (a.is_number() && b.is_number()) {
    const auto whole_a = a.whole();
    const auto whole_b = b.whole();
    if (whole_a && whole_b) return whole_arithmetic(interpreter, name, *whole_a, *whole_b);
    return float_arithmetic(interpreter, name, *a.real(), *b.real());
  }
  if (name == "*" && is_sequence(a) && b.whole()) return repeated(interpreter, a, *b.whole());
  if (name == "*" && is_sequence(b) && a.whole()) return repeated(interpreter, b, *a.whole());
  if (name != "+") refuse(interpreter, name, a, b);
  return joined(interpreter, a, b);
}

Value negative(Interpreter& interpreter, const Value& value) {
  interpreter.need_defined(value);
  if (value.is_float()) return Value(-*value.real());
  const auto whole = value.whole();
  if (!whole) interpreter.fail("'-' does not work on " + std::string(value.type_name()));
  return whole_arithmetic(interpreter, "-", 0, *whole);
}

int order(Interpreter& interpreter, const Value& a, const Value& b) {
  interpreter.charge(1);
  interpreter.need_defined(a);
  interpreter.need_defined(b);
  if (a.is_number() && b.is_number()) {
    if (a.whole() && b.whole())
      return *a.whole() < *b.whole() ? -1 : (*a.whole() > *b.whole() ? 1 : 0);
    return *a.real() < *b.real() ? -1 : (*a.real() > *b.real() ? 1 : 0);
  }
  if (a.is_text() && b.is_text()) return compare_text(*a.text(), *b.text());
  const List* left = a.list_or_null();
  const List* right = b.list_or_null();
  if (left == nullptr || right == nullptr || left->kind != right->kind ||
      left->kind == List::Kind::kLazy) {
    refuse(interpreter, "<", a, b);
  }
  const size_t shared = std::min(left->items.size(), right->items.size());
  for (size_t i = 0; i < shared; ++i) {
    if (compare(interpreter, "==", left->items[i], right->items[i])) continue;
    return order(interpreter, left->items[i], right->items[i]);
  }
  return left->items.size() == right->items.size()
             ? 0
             : (left->items.size() < right->items.size() ? -1 : 1);
}

bool contains(Interpreter& interpreter, const Value& container, const Value& item) {
  if (container.is_text()) {
    interpreter.need_defined(item);
    if (!item.is_text()) refuse(interpreter, "in", item, container);
    interpreter.charge(
        static_cast<int64_t>(container.text()->size() / 8 * (1 + item.text()->size() / 64)));
    return find_text(*container.text(), *item.text()) != TextView::npos;
  }
  if (const Dict* dict = container.dict_or_null()) {
    interpreter.charge(static_cast<int64_t>(dict->items.size() / 8));
    return dict->find(item) != nullptr;
  }
  const std::vector<Value> items = interpreter.walk(container);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& other) { return compare(interpreter, "==", other, item); });
}

bool compare(Interpreter& interpreter, const std::string& name, const Value& a, const Value& b) {
  if (name == "==" || name == "!=") {
    int64_t cost = 0;
    const bool same = equal(a, b, &cost);
    interpreter.charge(cost);
    return same == (name == "==");
  }
  if (name == "in") return contains(interpreter, b, a);
  if (name == "not in") return !contains(interpreter, b, a);
  const bool has_nan =
      (a.is_float() && std::isnan(*a.real())) || (b.is_float() && std::isnan(*b.real()));
  if (has_nan && a.is_number() && b.is_number()) return false;
  const int sign = order(interpreter, a, b);
  if (name == "<") return sign < 0;
  if (name == "<=") return sign <= 0;
  return name == ">" ? sign > 0 : sign >= 0;
}

std::vector<size_t> slice_places(Interpreter& interpreter, size_t size, const Value& begin,
                                 const Value& end, const Value& step) {
  const auto number = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    const auto whole = value.whole();
    if (!whole) interpreter.fail("a slice needs integers");
    return *whole;
  };
  const auto count = static_cast<int64_t>(size);
  const int64_t stride = number(step, 1);
  if (stride == 0) interpreter.fail("a slice's step is zero");
  const int64_t lowest = stride > 0 ? 0 : -1;
  const int64_t highest = stride > 0 ? count : count - 1;
  const auto place = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    int64_t at = number(value, 0);
    if (at < 0) at = std::max(at, -count - 1) + count;
    return std::clamp(at, lowest, highest);
  };
  const int64_t first = place(begin, stride > 0 ? 0 : count - 1);
  const int64_t last = place(end, stride > 0 ? count : -1);
  std::vector<size_t> places;
  // Counted, so that a huge step cannot overflow.
  const int64_t span = stride > 0 ? last - first : first - last;
  const uint64_t width =
      stride > 0 ? static_cast<uint64_t>(stride) : uint64_t{0} - static_cast<uint64_t>(stride);
  const uint64_t taken = span <= 0 ? 0 : (static_cast<uint64_t>(span) + width - 1) / width;
  interpreter.charge(static_cast<int64_t>(taken / 8));
  places.reserve(taken);
  for (uint64_t i = 0; i < taken; ++i) {
    const uint64_t offset = i * width;
    places.push_back(static_cast<size_t>(stride > 0 ? static_cast<uint64_t>(first) + offset
                                                    : static_cast<uint64_t>(first) - offset));
  }
  return places;
}

}  // namespace onmal::jinja
