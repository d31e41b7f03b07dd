#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/chat_template.h"

namespace onmal {

// What a model wrote for itself before its answer: "<think>…</think>" where its text begins.
struct ThinkingSplit {
  std::string_view thinking;  // without newlines around it
  std::string_view answer;    // without newlines before it; "" while the block is open
};

// Whether a rendered prompt ends inside such a block, so that the text has no "<think>" of its own.
bool opens_thinking(std::string_view prompt);

// None when `text` does not begin with such a block; `opened` as opens_thinking says. The parts
// point into `text`.
std::optional<ThinkingSplit> split_thinking(std::string_view text, bool opened);

// An assistant's message that keeps the two apart, as templates that know "reasoning_content" want
// them: whether the thinking is shown again is theirs to say.
ChatMessage thinking_message(const ThinkingSplit& split);

// Leaves the thinking out of a text that arrives in parts.
class ThinkingFilter {
 public:
  explicit ThinkingFilter(bool opened) : opened_(opened) {}

  // What the part adds to the answer; valid until the next call.
  std::string_view add(std::string_view part);
  // The text is whole: what was held back and is no thinking.
  std::string_view finish();

 private:
  bool opened_;
  std::string text_;
  size_t closing_from_ = 0;  // where "</think>" may still begin
  bool answering_ = false;
};

}  // namespace onmal
