#pragma once

#include <string>
#include <vector>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/lexer.h"

namespace onmal::jinja {

// Tokens to statements, by the grammar of Jinja 3.1. Throws Error(kBadFile) with the line for what
// is not Jinja, Error(kUnsupported) for parts of it that templates of chats have no use for
// (include, import, extends).
Block parse_template(const std::vector<Token>& tokens, const std::string& where);

}  // namespace onmal::jinja
