#include "infer/conversation.h"

#include <utility>

#include "base/error.h"

namespace onmal {

Conversation::Conversation(const Tokenizer& tokenizer, const std::string& system,
                           const std::string& where)
    : tokenizer_(tokenizer),
      message_start_(tokenizer.find("<|im_start|>")),
      message_end_(tokenizer.find("<|im_end|>")) {
  if (message_start_ < 0 || message_end_ < 0) {
    throw Error(ErrorCode::kUnsupported, where,
                "the model's tokenizer has no <|im_start|> and <|im_end|> to mark turns with",
                "use a chat model in ChatML, or 'onmal generate' for plain text");
  }
  if (!system.empty()) add("system", system, tokenizer_.encode(system));
}

void Conversation::append(std::vector<int32_t>& ids, std::string_view text) const {
  const std::vector<int32_t> added = tokenizer_.encode(text);
  ids.insert(ids.end(), added.begin(), added.end());
}

void Conversation::add(const std::string& role, const std::string& text,
                       std::vector<int32_t> content_ids) {
  std::vector<int32_t> ids{message_start_};
  append(ids, role + "\n");
  ids.insert(ids.end(), content_ids.begin(), content_ids.end());
  ids.push_back(message_end_);
  append(ids, "\n");
  messages_.push_back({role, text});
  encoded_.push_back(std::move(ids));
}

void Conversation::add_user(const std::string& text) { add("user", text, tokenizer_.encode(text)); }

void Conversation::add_assistant(const std::string& text, std::span<const int32_t> ids) {
  add("assistant", text, {ids.begin(), ids.end()});
}

std::vector<int32_t> Conversation::prompt() const {
  std::vector<int32_t> ids;
  for (const std::vector<int32_t>& message : encoded_) {
    ids.insert(ids.end(), message.begin(), message.end());
  }
  ids.push_back(message_start_);
  append(ids, "assistant\n");
  return ids;
}

bool Conversation::drop_oldest_turn() {
  const size_t begin = !messages_.empty() && messages_[0].role == "system" ? 1 : 0;
  size_t end = begin + 1;
  while (end < messages_.size() && messages_[end].role != "user") ++end;
  if (end >= messages_.size()) return false;
  const auto from = static_cast<std::ptrdiff_t>(begin);
  const auto to = static_cast<std::ptrdiff_t>(end);
  messages_.erase(messages_.begin() + from, messages_.begin() + to);
  encoded_.erase(encoded_.begin() + from, encoded_.begin() + to);
  return true;
}

void Conversation::drop_last() {
  ONMAL_ASSERT(!messages_.empty());
  messages_.pop_back();
  encoded_.pop_back();
}

void Conversation::clear() {
  const size_t kept = !messages_.empty() && messages_[0].role == "system" ? 1 : 0;
  messages_.resize(kept);
  encoded_.resize(kept);
}

}  // namespace onmal
