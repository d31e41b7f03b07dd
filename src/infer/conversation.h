#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// A conversation in ChatML as token ids. Messages are encoded one by one, as in training, and text
// inside a message never becomes a special token: nobody can forge a turn.
class Conversation {
 public:
  // Throws Error(kUnsupported), naming `where`, when the tokenizer lacks ChatML's tokens. An empty
  // system prompt is none.
  Conversation(const Tokenizer& tokenizer, const std::string& system, const std::string& where);

  void add_user(const std::string& text);
  // The ids as they were sampled (without the end token), so that the cache of this turn serves the
  // next.
  void add_assistant(const std::string& text, std::span<const int32_t> ids);

  // Ids of all messages and the beginning of an answer.
  std::vector<int32_t> prompt() const;
  // Forgets the oldest user message and what answered it; false when only the latest is left.
  bool drop_oldest_turn();
  // Forgets the latest message (one that could not be answered).
  void drop_last();
  // Forgets everything but the system prompt.
  void clear();

  const std::vector<ChatMessage>& messages() const { return messages_; }
  int32_t end_of_message() const { return message_end_; }

 private:
  void add(const std::string& role, const std::string& text, std::vector<int32_t> content_ids);
  void append(std::vector<int32_t>& ids, std::string_view text) const;

  const Tokenizer& tokenizer_;
  int32_t message_start_;
  int32_t message_end_;
  std::vector<ChatMessage> messages_;
  std::vector<std::vector<int32_t>> encoded_;  // of each message, marks included
};

}  // namespace onmal
