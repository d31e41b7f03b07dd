#pragma once

#include <string>

#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// Python's str() and repr(); an undefined value is an empty string.
Text to_text(Interpreter& interpreter, const Value& value);
Text to_repr(Interpreter& interpreter, const Value& value);
// repr() of a float: the shortest digits that read back the same.
std::string float_text(double number);

struct JsonStyle {
  int64_t indent = -1;  // -1: all on one line
  Text item_separator = U", ";
  Text key_separator = U": ";
  bool sort_keys = false;
  bool ensure_ascii = false;
};

// Python's json.dumps(): its separators, and characters as they are.
Text to_json(Interpreter& interpreter, const Value& value, const JsonStyle& style);

}  // namespace onmal::jinja
