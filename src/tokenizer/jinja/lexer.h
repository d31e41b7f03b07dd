#pragma once

#include <string>
#include <vector>

#include "tokenizer/jinja/text.h"

namespace onmal::jinja {

struct Token {
  enum class Kind {
    kData,           // text between tags, as it is to be printed
    kVariableBegin,  // {{
    kVariableEnd,
    kBlockBegin,  // {%
    kBlockEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind;
  int line;
  std::string word;  // of names, operators and numbers
  Text text;         // of data and strings, escapes resolved

  bool is_operator(const char* text_) const { return kind == Kind::kOperator && word == text_; }
  bool is_name(const char* text_) const { return kind == Kind::kName && word == text_; }
};

// Cuts a template into tokens as Jinja's environment does with trim_blocks and lstrip_blocks set: a
// block's or comment's end takes the newline behind it along, its beginning the white space of its
// line before it. Comments and raw blocks are resolved. Throws Error(kBadFile) with the line.
std::vector<Token> tokenize(const Text& source, const std::string& where);

// "template, line 3"
std::string at_line(const std::string& where, int line);

}  // namespace onmal::jinja
