#include "tokenizer/jinja/template.h"

#include "tokenizer/jinja/lexer.h"
#include "tokenizer/jinja/parser.h"

namespace onmal::jinja {

Template::Template(std::string_view source, std::string where)
    : where_(std::move(where)),
      block_(parse_template(tokenize(decode_text(source), where_), where_)) {}

Text Template::render(const std::vector<std::pair<std::string, Value>>& variables, std::time_t now,
                      const RenderLimits& limits) const {
  return Interpreter(where_, limits, now).render(block_, variables);
}

}  // namespace onmal::jinja
