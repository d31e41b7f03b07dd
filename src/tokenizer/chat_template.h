#pragma once

#include <span>
#include <string>
#include <string_view>

namespace onmal {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

// ChatML: "<|im_start|>role\ncontent<|im_end|>\n" for each message, then, when an answer is wanted,
// "<|im_start|>assistant\n".
std::string render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt);

// The same as a Jinja template, for other programs.
std::string_view chatml_template();

}  // namespace onmal
