#include "infer/conversation.h"

#include <utility>

#include "base/error.h"
#include "tokenizer/thinking.h"

namespace onmal {

Conversation::Conversation(const Tokenizer& tokenizer, ConversationOptions options,
                           const std::string& where)
    : tokenizer_(tokenizer),
      options_(std::move(options)),
      template_(options_.chat_template, options_.bos_token, options_.eos_token,
                where + ": chat template"),
      encoder_(tokenizer) {
  const bool marks = tokenizer.find("<|im_start|>") >= 0 && tokenizer.find("<|im_end|>") >= 0;
  if (options_.chat_template.empty() && !marks) {
    throw Error(ErrorCode::kUnsupported, where,
                "the model has no chat template, and its tokenizer no <|im_start|> and <|im_end|> "
                "to mark turns with",
                "use a chat model, give a --template, or use 'onmal generate' for plain text");
  }
  ChatRequest asked;
  asked.variables_json = options_.variables_json;
  asked.tools_json = options_.tools_json;
  end_of_message_ = find_end_of_message(template_, encoder_, asked);
  add_system(options_.system);
}

void Conversation::add_system(const std::string& text) {
  ONMAL_ASSERT(messages_.empty());
  if (text.empty()) return;
  messages_.push_back({"system", text});
  answers_.emplace_back();
}

RenderedChat Conversation::render(std::span<const ChatMessage> messages,
                                  bool add_generation_prompt) const {
  ChatRequest request;
  request.messages = messages;
  request.add_generation_prompt = add_generation_prompt;
  request.variables_json = options_.variables_json;
  request.tools_json = options_.tools_json;
  return template_.render(request);
}

int32_t find_end_of_message(const ChatTemplate& chat_template, const ChatEncoder& encoder,
                            ChatRequest request) {
  const std::vector<ChatMessage> probe = {{"user", "a"}, {"assistant", "b"}};
  request.messages = probe;
  request.add_generation_prompt = false;
  try {
    return encoder.token_behind(chat_template.render(request), 1);
  } catch (const Error&) {
    return -1;  // a template that wants other messages; its end tokens are known from the model
  }
}

void Conversation::add_user(const std::string& text) {
  messages_.push_back({"user", text});
  answers_.emplace_back();
}

void Conversation::add_assistant(const std::string& text, std::span<const int32_t> ids) {
  const bool apart = options_.chat_template.find("reasoning_content") != std::string::npos;
  if (const auto split = apart ? split_thinking(text, opens_thinking()) : std::nullopt) {
    messages_.push_back(thinking_message(*split));
    answers_.emplace_back();  // the ids are those of both
    return;
  }
  messages_.push_back({"assistant", text});
  answers_.emplace_back(ids.begin(), ids.end());
}

bool Conversation::opens_thinking() const {
  return onmal::opens_thinking(render(messages_, true).text);
}

std::vector<int32_t> Conversation::prompt() const {
  std::vector<EncodedAnswer> answers;
  for (size_t i = 0; i < answers_.size(); ++i) {
    if (!answers_[i].empty()) answers.push_back({i, messages_[i].content, answers_[i]});
  }
  return encoder_.encode(render(messages_, true), template_.is_own_chatml(), answers);
}

bool Conversation::drop_oldest_turn() {
  const size_t begin = !messages_.empty() && messages_[0].role == "system" ? 1 : 0;
  size_t end = begin + 1;
  while (end < messages_.size() && messages_[end].role != "user") ++end;
  if (end >= messages_.size()) return false;
  const auto from = static_cast<std::ptrdiff_t>(begin);
  const auto to = static_cast<std::ptrdiff_t>(end);
  messages_.erase(messages_.begin() + from, messages_.begin() + to);
  answers_.erase(answers_.begin() + from, answers_.begin() + to);
  return true;
}

void Conversation::drop_last() {
  ONMAL_ASSERT(!messages_.empty());
  messages_.pop_back();
  answers_.pop_back();
}

void Conversation::clear() {
  const size_t kept = !messages_.empty() && messages_[0].role == "system" ? 1 : 0;
  messages_.resize(kept);
  answers_.resize(kept);
}

}  // namespace onmal
