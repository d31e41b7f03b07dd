#pragma once

#include <string>

#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// Python's arithmetic: + - * / // % ** on numbers, + on strings and lists, * on one of them and an
// integer, % on a string and what it formats; and Jinja's ~. Integers beyond 64 bits are an error.
Value arithmetic(Interpreter& interpreter, const std::string& name, const Value& a, const Value& b);
Value negative(Interpreter& interpreter, const Value& value);

// ==, !=, <, <=, >, >=, in, not in.
bool compare(Interpreter& interpreter, const std::string& name, const Value& a, const Value& b);
// -1, 0 or 1; an error for what has no order.
int order(Interpreter& interpreter, const Value& a, const Value& b);
bool contains(Interpreter& interpreter, const Value& container, const Value& item);

// The places that Python's slice [begin : end : step] takes of `size` ones, in order.
std::vector<size_t> slice_places(Interpreter& interpreter, size_t size, const Value& begin,
                                 const Value& end, const Value& step);

}  // namespace onmal::jinja
