#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onmal {

namespace jinja {
class Template;
}

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", "tool" …
  std::string content;
  // A JSON object of what else the template is to see in this message: tool_calls, tool_call_id,
  // name, reasoning_content, or "content" itself where it is not plain text. "": nothing.
  std::string more_json = {};
};

// What a template is rendered with.
struct ChatRequest {
  std::span<const ChatMessage> messages;
  bool add_generation_prompt = true;
  std::string tools_json;      // a JSON array of function descriptions; "": no tools
  std::string variables_json;  // a JSON object of further names, such as enable_thinking; "": none
  std::time_t now = 0;         // what strftime_now() tells; 0: the time of the call
};

// Rendered text and, for each byte, where it came from.
struct RenderedChat {
  // Marks of `sources`. From kMessage on, mark kMessage + i is the content of message i; messages
  // beyond the last mark share kOther.
  static constexpr uint16_t kTemplate = 0;  // the template's own text, bos and eos, and known roles
  static constexpr uint16_t kOther = 1;     // tools, variables, other parts of messages
  static constexpr uint16_t kMessage = 2;

  std::string text;
  std::vector<uint16_t> sources;
};

// A model's chat template, rendered as Hugging Face's apply_chat_template does it; see
// jinja/template.h for the language. Thread-safe: const once made.
class ChatTemplate {
 public:
  // Jinja source; "" means ChatML. `bos_token` and `eos_token` are the texts of those tokens, ""
  // where there are none. Throws Error(kBadFile) with the line for what is not Jinja.
  ChatTemplate(std::string_view source, std::string bos_token, std::string eos_token,
               const std::string& where = "chat template");

  // Throws Error: kInvalidArgument when the template refuses the messages, kBadFile for malformed
  // JSON, kResource for a template that does not come to an end.
  RenderedChat render(const ChatRequest& request) const;

  // The template is the ChatML of this program's own training, which encodes each message's content
  // by itself.
  bool is_own_chatml() const { return own_chatml_; }

 private:
  std::shared_ptr<const jinja::Template> template_;  // shared by copies
  std::string bos_token_;
  std::string eos_token_;
  bool own_chatml_ = false;
};

// ChatML: "<|im_start|>role\ncontent<|im_end|>\n" for each message, then, when an answer is wanted,
// "<|im_start|>assistant\n".
std::string render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt);

// The same as a Jinja template, for other programs.
std::string_view chatml_template();

}  // namespace onmal
