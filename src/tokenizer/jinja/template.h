#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// A Jinja template as Hugging Face's apply_chat_template renders it: Jinja 3.1 in an immutable
// sandbox with trim_blocks and lstrip_blocks, loop controls, {% generation %}, raise_exception,
// strftime_now and a tojson that keeps characters. Const once made.
class Template {
 public:
  // Throws Error(kBadFile), naming `where` and the line, for what is not Jinja.
  explicit Template(std::string_view source, std::string where = "chat template");

  // Throws Error naming the line: kInvalidArgument when the template refuses the values or an
  // operation fails, kUnsupported for an unknown filter or test, kResource at a limit. `now` is
  // what strftime_now() tells, in local time.
  Text render(const std::vector<std::pair<std::string, Value>>& variables, std::time_t now,
              const RenderLimits& limits = {}) const;

 private:
  std::string where_;
  Block block_;
};

}  // namespace onmal::jinja
