#pragma once

#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// Python's "…" % value.
Text format_percent(Interpreter& interpreter, TextView format, const Value& value);
// Python's "…".format(…).
Text format_braces(Interpreter& interpreter, TextView format, const Arguments& arguments);

}  // namespace onmal::jinja
