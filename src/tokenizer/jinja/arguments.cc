#include "tokenizer/jinja/arguments.h"

#include <algorithm>

namespace onmal::jinja {

BoundArguments::BoundArguments(Interpreter& interpreter, std::string_view function,
                               const Arguments& arguments,
                               std::initializer_list<std::string_view> parameters, size_t optional)
    : interpreter_(interpreter), function_(function), values_(parameters.size(), nullptr) {
  if (arguments.positional.size() > parameters.size()) {
    interpreter.fail(function_ + "() takes at most " + std::to_string(parameters.size()) +
                     " arguments, not " + std::to_string(arguments.positional.size()));
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto* found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end())
      interpreter.fail(function_ + "() has no argument '" + name + "'");
    const Value*& place = values_[static_cast<size_t>(found - parameters.begin())];
    if (place != nullptr) interpreter.fail(function_ + "() got its argument '" + name + "' twice");
    place = &value;
  }
  for (size_t i = 0; i + optional < parameters.size(); ++i) {
    if (values_[i] == nullptr) {
      interpreter.fail(function_ + "() lacks its argument '" +
                       std::string(*(parameters.begin() + i)) + "'");
    }
  }
}

int64_t BoundArguments::whole(size_t index, int64_t fallback) const {
  if (!given(index) || value(index).is_none()) return fallback;
  const auto whole = value(index).whole();
  if (!whole)
    interpreter_.fail(function_ + "() needs an integer, not " +
                      std::string(value(index).type_name()));
  return *whole;
}

const Text* BoundArguments::text(size_t index) const {
  if (!given(index) || value(index).is_none()) return nullptr;
  interpreter_.need_defined(value(index));
  const Text* text = value(index).text();
  if (text == nullptr) {
    interpreter_.fail(function_ + "() needs a string, not " +
                      std::string(value(index).type_name()));
  }
  return text;
}

const Text& BoundArguments::needed_text(size_t index) const {
  const Text* found = text(index);
  if (found == nullptr) interpreter_.fail("a string was expected, not none");
  return *found;
}

void charge_search(Interpreter& interpreter, TextView text, TextView part) {
  interpreter.charge(static_cast<int64_t>(text.size() / 8 * (1 + part.size() / 64)));
}

}  // namespace onmal::jinja
