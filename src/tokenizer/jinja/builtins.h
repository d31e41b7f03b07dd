#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// Methods of strings, lists and dictionaries, and filters, take what they are applied to first.
using Method = Value (*)(Interpreter& interpreter, const Value& subject,
                         const Arguments& arguments);
using Predicate = bool (*)(Interpreter& interpreter, const Value& subject,
                           const Arguments& arguments);

struct NamedMethod {
  std::string_view name;
  Method method;
};
struct NamedPredicate {
  std::string_view name;
  Predicate predicate;
};

std::span<const NamedMethod> text_methods();
std::span<const NamedMethod> more_text_methods();
std::span<const NamedMethod> dict_methods();
std::span<const NamedMethod> list_methods();

std::span<const NamedMethod> text_filters();
std::span<const NamedMethod> number_filters();
std::span<const NamedMethod> sequence_filters();
std::span<const NamedMethod> selection_filters();
std::span<const NamedPredicate> predicates();

Method find_method(std::span<const NamedMethod> methods, std::string_view name);

// `method` of `subject`, as a value that can be called.
Value bound_method(std::string_view type_name, const Value& subject, Method method);
// A function without a subject.
Value native_function(std::string_view name, Method method);

// range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
std::vector<std::pair<std::string, Value>> global_functions();

// Sets an attribute where `object` is a namespace; false when it is something else.
bool set_namespace(const Value& object, const std::string& name, Value value);

// What Jinja's `attribute=` arguments name: "a.b.0".
Value look_up_path(Interpreter& interpreter, const Value& value, const Value& path);

}  // namespace onmal::jinja
