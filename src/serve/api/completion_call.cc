#include "serve/api/completion_call.h"

#include <ctime>
#include <random>
#include <utility>

#include "base/timer.h"
#include "infer/answer_end.h"
#include "serve/api/chat_fields.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kCallBegin = "<tool_call>";
constexpr std::string_view kCallEnd = "</tool_call>";

std::string random_id(const char* prefix) {
  std::random_device random;
  std::string id = prefix;
  for (int i = 0; i < 24; ++i) id += "0123456789abcdefghijklmnopqrstuvwxyz"[random() % 36];
  return id;
}

std::string valid_text(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char c = read_utf8(bytes, i);
    if (c.valid) {
      text += bytes.substr(i, c.length);
    } else {
      text += "\xEF\xBF\xBD";
    }
    i += c.length;
  }
  return text;
}

std::optional<ApiJson> read_call(std::string_view text, size_t number) {
  const ApiJson call = ApiJson::parse(text, nullptr, false);
  if (!call.is_object() || !call.contains("name") || !call["name"].is_string()) return {};
  const ApiJson arguments = call.value("arguments", ApiJson::object());
  return ApiJson{{"index", number},
                 {"id", random_id("call_")},
                 {"type", "function"},
                 {"function", {{"name", call["name"]}, {"arguments", dump(arguments)}}}};
}

}  // namespace

ApiJson find_tool_calls(const std::string& text, bool bare, std::string& rest) {
  ApiJson calls = ApiJson::array();
  rest.clear();
  if (bare) {
    if (auto call = read_call(text, 0)) {
      calls.push_back(std::move(*call));
    } else {
      rest = text;
    }
    return calls;
  }
  size_t at = 0;
  while (true) {
    const size_t begin = text.find(kCallBegin, at);
    const size_t end = begin == std::string::npos ? begin : text.find(kCallEnd, begin);
    if (end == std::string::npos) break;
    const size_t inside = begin + kCallBegin.size();
    auto call = read_call(std::string_view(text).substr(inside, end - inside), calls.size());
    if (!call) break;
    rest += text.substr(at, begin - at);
    calls.push_back(std::move(*call));
    at = end + kCallEnd.size();
  }
  rest += text.substr(at);
  if (!calls.empty() && rest.find_first_not_of(" \n\r\t") == std::string::npos) rest.clear();
  return calls;
}

class CompletionCall::Listener : public EngineListener {
 public:
  Listener(std::shared_ptr<CompletionCall> call, size_t index)
      : call_(std::move(call)), index_(index) {}
  void on_text(std::string_view text, std::span<const SampledToken> tokens) override {
    call_->on_text(index_, text, tokens);
  }
  void on_end(const GenerateResult& result) override { call_->on_end(index_, result); }
  void on_error(const Error& error) override { call_->on_error(error); }

 private:
  std::shared_ptr<CompletionCall> call_;
  size_t index_;
};

CompletionCall::CompletionCall(Api& api, std::shared_ptr<Exchange> exchange, CompletionPlan plan)
    : api_(api),
      exchange_(std::move(exchange)),
      plan_(std::move(plan)),
      id_(random_id(plan_.form == CompletionForm::kChat ? "chatcmpl-" : "cmpl-")),
      created_(static_cast<int64_t>(std::time(nullptr))),
      energy_(api.meter),
      choices_(static_cast<size_t>(plan_.choices)) {
  for (Choice& choice : choices_) {
    if (api_.moderator == nullptr) continue;
    ModerationStreamOptions how;
    how.cover = plan_.request.constraint == nullptr;  // else its form would be lost
    choice.moderation.emplace(*api_.moderator, Place::kAnswer, how);
  }
}

std::string CompletionCall::moderated(Choice& choice, std::string_view text, bool last) {
  if (!choice.moderation) return std::string(text);
  const Timer timer;
  std::string shown = choice.moderation->feed(text);
  if (last) shown += choice.moderation->finish();
  if (!last && choice.moderation->stopped()) choice.request.stop(plan_.model->engine);
  cost_.moderation_seconds += timer.seconds();
  return shown;
}

const char* CompletionCall::finish_name(const Choice& choice, bool called) const {
  if (choice.moderation && choice.moderation->stopped()) return "content_filter";
  if (called) return "tool_calls";
  return is_cut(choice.result->finish) ? "length" : "stop";
}

void CompletionCall::start() {
  plan_.request.client = exchange_->request().client.name;
  open_ = choices_.size();
  for (size_t i = 0; i < choices_.size(); ++i) {
    const auto listener = std::make_shared<Listener>(shared_from_this(), i);
    try {
      choices_[i].request.started(plan_.model->engine, submit_or_refuse(plan_, listener, i));
    } catch (const HttpError&) {
      {
        const std::lock_guard lock(mutex_);
        failed_ = true;
      }
      stop_all();
      throw;
    }
  }
  const std::weak_ptr<CompletionCall> weak = weak_from_this();
  on_stop_.emplace(exchange_->stop(), [weak] {
    if (const auto call = weak.lock()) call->stop_all();
  });
}

void CompletionCall::stop_all() {
  for (Choice& choice : choices_) choice.request.stop(plan_.model->engine);
}

void CompletionCall::on_text(size_t index, std::string_view text,
                             std::span<const SampledToken> tokens) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  Choice& choice = choices_[index];
  const std::string shown = moderated(choice, text, false);
  choice.text += shown;
  const bool wants_logprobs = plan_.request.top_logprobs >= 0;
  if (wants_logprobs) choice.tokens.insert(choice.tokens.end(), tokens.begin(), tokens.end());
  // A call is told of when it is whole.
  if (!plan_.stream || plan_.calls_tools || (shown.empty() && !wants_logprobs)) return;
  write_delta(index, {{"content", shown}}, logprobs(tokens), nullptr);
}

void CompletionCall::on_end(size_t index, const GenerateResult& result) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  Choice& choice = choices_[index];
  choice.result = result;
  cost_.add(result);
  const std::string rest = moderated(choice, "", true);
  choice.text += rest;
  if (plan_.stream && !plan_.calls_tools && !rest.empty())
    write_delta(index, {{"content", rest}}, nullptr, nullptr);
  if (plan_.stream) write_end(index);
  if (--open_ == 0) finish();
}

void CompletionCall::on_error(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(failed_, true)) return;
  exchange_->fail(to_http_error(error));
}

ApiJson CompletionCall::head(bool chunk) const {
  const char* object = "text_completion";
  if (plan_.form == CompletionForm::kChat)
    object = chunk ? "chat.completion.chunk" : "chat.completion";
  return {{"id", id_}, {"object", object}, {"created", created_}, {"model", plan_.model->name}};
}

ApiJson CompletionCall::usage() const {
  // The prompt counts once, however many answers it got.
  const int64_t prompt = static_cast<int64_t>(plan_.request.prompt.size());
  return {{"prompt_tokens", prompt},
          {"completion_tokens", cost_.completion_tokens},
          {"total_tokens", prompt + cost_.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", choices_[0].result->cached_tokens}}}};
}

ApiJson CompletionCall::logprobs(std::span<const SampledToken> tokens) const {
  if (plan_.request.top_logprobs < 0) return nullptr;
  const Tokenizer& tokenizer = *plan_.model->model.tokenizer;
  const auto row = [&](int32_t id, float logprob) {
    const std::string_view piece = tokenizer.piece(id);
    ApiJson bytes = ApiJson::array();
    for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
    return ApiJson{{"token", valid_text(piece)}, {"logprob", logprob}, {"bytes", bytes}};
  };
  ApiJson content = ApiJson::array();
  for (const SampledToken& token : tokens) {
    ApiJson one = row(token.id, token.logprob);
    one["top_logprobs"] = ApiJson::array();
    for (const TokenLogprob& top : token.top)
      one["top_logprobs"].push_back(row(top.id, top.logprob));
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}};
}

void CompletionCall::write_delta(size_t index, const ApiJson& delta, const ApiJson& logprobs,
                                 const char* finish_reason) {
  ApiJson chunk = head(true);
  ApiJson choice = {{"index", index}};
  Choice& known = choices_[index];
  if (plan_.form == CompletionForm::kChat) {
    ApiJson said = ApiJson::object();
    if (!std::exchange(known.said_role, true)) said["role"] = "assistant";
    said.update(delta);
    choice["delta"] = std::move(said);
  } else {
    choice["text"] = delta.value("content", "");
  }
  choice["logprobs"] = logprobs;
  choice["finish_reason"] = finish_reason == nullptr ? ApiJson() : ApiJson(finish_reason);
  chunk["choices"] = ApiJson::array({std::move(choice)});
  if (plan_.include_usage) chunk["usage"] = nullptr;
  exchange_->write_event(dump(chunk));
}

void CompletionCall::write_end(size_t index) {
  const Choice& choice = choices_[index];
  ApiJson delta = ApiJson::object();
  bool called = false;
  if (plan_.calls_tools) {
    std::string rest;
    ApiJson calls = find_tool_calls(choice.text, plan_.bare_calls, rest);
    called = !calls.empty();
    if (!rest.empty()) delta["content"] = rest;
    if (called) delta["tool_calls"] = std::move(calls);
  }
  if (!delta.empty()) write_delta(index, delta, logprobs(choice.tokens), nullptr);
  write_delta(index, ApiJson::object(), nullptr, finish_name(choice, called));
}

ApiJson CompletionCall::choice_json(size_t index) const {
  const Choice& choice = choices_[index];
  ApiJson out = {{"index", index}};
  bool called = false;
  if (plan_.form == CompletionForm::kText) {
    out["text"] = plan_.echo ? plan_.prompt_text + choice.text : choice.text;
  } else {
    ApiJson message = {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
    if (plan_.calls_tools) {
      std::string rest;
      ApiJson calls = find_tool_calls(choice.text, plan_.bare_calls, rest);
      called = !calls.empty();
      if (called) {
        for (ApiJson& call : calls) call.erase("index");
        message["content"] = rest.empty() ? ApiJson() : ApiJson(rest);
        message["tool_calls"] = std::move(calls);
      }
    }
    out["message"] = std::move(message);
  }
  out["logprobs"] = logprobs(choice.tokens);
  out["finish_reason"] = finish_name(choice, called);
  return out;
}

ApiJson CompletionCall::extension() const {
  ApiJson out = {{"resources", cost_json(cost_, api_.meter)}};
  if (api_.moderator == nullptr) return out;
  ApiJson marks = ApiJson::array();
  if (choices_[0].moderation) marks = moderation_marks(choices_[0].moderation->result());
  out["moderation"] = std::move(marks);
  out["prompt_moderation"] = moderation_marks(plan_.prompt_moderation);
  return out;
}

void CompletionCall::finish() {
  settle(api_, cost_, energy_, plan_.model->name);
  exchange_->note({plan_.model->name, static_cast<int64_t>(plan_.request.prompt.size()),
                   cost_.completion_tokens});
  if (!plan_.stream) {
    ApiJson document = head(false);
    document["choices"] = ApiJson::array();
    for (size_t i = 0; i < choices_.size(); ++i) document["choices"].push_back(choice_json(i));
    document["usage"] = usage();
    document["onmal"] = extension();
    return respond_json(*exchange_, document);
  }
  ApiJson last = head(true);
  last["choices"] = ApiJson::array();
  if (plan_.include_usage) last["usage"] = usage();
  last["onmal"] = extension();
  if (plan_.include_usage) exchange_->write_event(dump(last));
  exchange_->write_event("[DONE]");
  exchange_->end();
}

}  // namespace onmal
