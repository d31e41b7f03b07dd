#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenizer/chat_encoder.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

struct ConversationOptions {
  std::string chat_template = {};  // Jinja source; "": ChatML
  std::string bos_token = {};      // texts of the tokens, as the template sees them; "": none
  std::string eos_token = {};
  std::string system = {};          // what the model is told first; "": nothing
  std::string variables_json = {};  // further names for the template, as a JSON object; "": none
  std::string tools_json = {};      // a JSON array of function descriptions; "": none
};

// The special token that the template puts behind an answer; -1 when it puts none. `request` gives
// the tools and variables that it is rendered with.
int32_t find_end_of_message(const ChatTemplate& chat_template, const ChatEncoder& encoder,
                            ChatRequest request = {});

// A conversation as token ids, by the model's chat template. Text inside a message never becomes a
// special token: nobody can forge a turn (see ChatEncoder for the contract).
class Conversation {
 public:
  // Throws Error naming `where`: kBadFile for a template that is not Jinja, kUnsupported when there
  // is none and the tokenizer lacks ChatML's tokens.
  Conversation(const Tokenizer& tokenizer, ConversationOptions options, const std::string& where);

  // What the model is told first, before any other message; "": nothing.
  void add_system(const std::string& text);
  void add_user(const std::string& text);
  // The ids as they were sampled (without the end token), so that the cache of this turn serves the
  // next where the template shows answers unchanged. What a model wrote for itself in
  // "<think>…</think>" goes to a template that knows "reasoning_content" apart from the answer;
  // others see the text as it is.
  void add_assistant(const std::string& text, std::span<const int32_t> ids);

  // Ids of all messages and the beginning of an answer. Throws Error(kInvalidArgument) when the
  // template refuses the messages.
  std::vector<int32_t> prompt() const;
  // Whether that beginning opens a block of thinking.
  bool opens_thinking() const;
  // Forgets the oldest user message and what answered it; false when only the latest is left.
  bool drop_oldest_turn();
  // Forgets the latest message (one that could not be answered).
  void drop_last();
  // Forgets everything but the system prompt.
  void clear();

  const std::vector<ChatMessage>& messages() const { return messages_; }
  // The special token that the template puts behind an answer; -1 when it puts none.
  int32_t end_of_message() const { return end_of_message_; }

 private:
  RenderedChat render(std::span<const ChatMessage> messages, bool add_generation_prompt) const;

  const Tokenizer& tokenizer_;
  ConversationOptions options_;
  ChatTemplate template_;
  ChatEncoder encoder_;
  int32_t end_of_message_ = -1;
  std::vector<ChatMessage> messages_;
  std::vector<std::vector<int32_t>> answers_;  // of each message; empty where it was not sampled
};

}  // namespace onmal
