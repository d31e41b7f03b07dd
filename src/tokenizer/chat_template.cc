#include "tokenizer/chat_template.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tokenizer/jinja/json_value.h"
#include "tokenizer/jinja/template.h"

namespace onmal {
namespace {

using jinja::Value;

// Roles belong to the form of a conversation, so templates may build a special token from one
// ("<|" + role + "|>"). Any other name is text like all that comes from outside.
constexpr std::array<std::string_view, 10> kRoles = {
    "system", "user",     "assistant", "tool",     "developer",
    "model",  "function", "ipython",   "document", "tool_response"};

uint32_t content_mark(size_t message) {
  const size_t mark = RenderedChat::kMessage + message;
  return mark <= jinja::kMostMark ? static_cast<uint32_t>(mark) : RenderedChat::kOther;
}

Value message_value(const ChatMessage& message, size_t index) {
  const bool known = std::find(kRoles.begin(), kRoles.end(), message.role) != kRoles.end();
  Value value = Value::dict();
  jinja::Dict& dict = *value.dict_or_null();
  dict.set(Value::of_text("role"),
           Value::of_text(message.role, known ? RenderedChat::kTemplate : RenderedChat::kOther));
  dict.set(Value::of_text("content"), Value::of_text(message.content, content_mark(index)));
  if (message.more_json.empty()) return value;
  const std::string where = "message " + std::to_string(index + 1);
  const Value more = jinja::parse_json(message.more_json, RenderedChat::kOther, where);
  if (more.dict_or_null() == nullptr) {
    throw Error(ErrorCode::kBadFile, where, "its further members are not a JSON object");
  }
  for (const auto& [key, member] : more.dict_or_null()->items) dict.set(key, member);
  return value;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source, std::string bos_token, std::string eos_token,
                           const std::string& where)
    : bos_token_(std::move(bos_token)),
      eos_token_(std::move(eos_token)),
      own_chatml_(source.empty() || source == chatml_template()) {
  template_ =
      std::make_shared<const jinja::Template>(source.empty() ? chatml_template() : source, where);
}

RenderedChat ChatTemplate::render(const ChatRequest& request) const {
  std::vector<Value> messages;
  for (size_t i = 0; i < request.messages.size(); ++i) {
    messages.push_back(message_value(request.messages[i], i));
  }
  std::vector<std::pair<std::string, Value>> variables;
  variables.emplace_back("messages", Value::list(std::move(messages)));
  variables.emplace_back("add_generation_prompt", Value(request.add_generation_prompt));
  variables.emplace_back("tools", jinja::None{});
  variables.emplace_back("documents", jinja::None{});
  if (!bos_token_.empty()) variables.emplace_back("bos_token", Value::of_text(bos_token_));
  if (!eos_token_.empty()) variables.emplace_back("eos_token", Value::of_text(eos_token_));
  if (!request.tools_json.empty()) {
    variables.emplace_back("tools",
                           jinja::parse_json(request.tools_json, RenderedChat::kOther, "tools"));
  }
  if (!request.variables_json.empty()) {
    const Value more =
        jinja::parse_json(request.variables_json, RenderedChat::kOther, "template variables");
    if (more.dict_or_null() == nullptr) {
      throw Error(ErrorCode::kBadFile, "template variables", "are not a JSON object");
    }
    for (const auto& [key, value] : more.dict_or_null()->items) {
      variables.emplace_back(jinja::encode_text(*key.text()), value);
    }
  }
  const jinja::Text text =
      template_->render(variables, request.now != 0 ? request.now : std::time(nullptr));
  RenderedChat result;
  for (const char32_t character : text) {
    jinja::append_encoded(character, result.text);
    result.sources.resize(result.text.size(), static_cast<uint16_t>(jinja::mark_of(character)));
  }
  return result;
}

std::string render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt) {
  std::string text;
  for (const ChatMessage& message : messages) {
    text += "<|im_start|>" + message.role + "\n" + message.content + "<|im_end|>\n";
  }
  if (add_generation_prompt) text += "<|im_start|>assistant\n";
  return text;
}

std::string_view chatml_template() {
  return "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
         "message['content'] + "
         "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
         "'<|im_start|>assistant\\n' }}{% endif %}";
}

}  // namespace onmal
