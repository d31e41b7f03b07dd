#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// The arguments of a built-in function, by its parameters' names as Python has them. Unknown,
// repeated or missing ones (all but the last `optional` are needed) are errors.
class BoundArguments {
 public:
  BoundArguments(Interpreter& interpreter, std::string_view function, const Arguments& arguments,
                 std::initializer_list<std::string_view> parameters, size_t optional);

  bool given(size_t index) const { return values_[index] != nullptr; }
  const Value& value(size_t index) const { return *values_[index]; }
  Value value_or(size_t index, Value fallback) const {
    return given(index) ? value(index) : std::move(fallback);
  }
  int64_t whole(size_t index, int64_t fallback) const;
  bool truth(size_t index, bool fallback) const {
    return given(index) ? value(index).truth() : fallback;
  }
  // Null when it is not given or none; an error when it is not a string.
  const Text* text(size_t index) const;
  // An error when it is none, too.
  const Text& needed_text(size_t index) const;

 private:
  Interpreter& interpreter_;
  std::string function_;
  std::vector<const Value*> values_;
};

// Searching costs by the lengths of both.
void charge_search(Interpreter& interpreter, TextView text, TextView part);

}  // namespace onmal::jinja
