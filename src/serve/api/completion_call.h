#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "safety/moderation_stream.h"
#include "serve/api/api.h"
#include "serve/api/moderation.h"
#include "serve/api/stoppable_request.h"

namespace onmal {

enum class CompletionForm : uint8_t { kChat, kText };

// What was asked for, ready to run.
struct CompletionPlan {
  CompletionForm form = CompletionForm::kChat;
  std::shared_ptr<ChatModel> model;
  EngineRequest request;  // of the first choice; others differ in the seed
  int64_t choices = 1;
  bool stream = false;
  bool include_usage = false;
  bool echo = false;  // of kText: the prompt in front of the answer
  std::string prompt_text = {};
  bool calls_tools = false;  // the answer may be a call
  ModerationResult prompt_moderation = {};
  bool bare_calls = false;  // it is one JSON object and nothing else
};

// A request under way: hears of its choices on the engine's thread and answers the client.
class CompletionCall : public std::enable_shared_from_this<CompletionCall> {
 public:
  CompletionCall(Api& api, std::shared_ptr<Exchange> exchange, CompletionPlan plan);
  // Hands it to the engine. Throws HttpError(429) when too many wait.
  void start();

 private:
  class Listener;
  struct Choice {
    std::string text;
    std::vector<SampledToken> tokens;
    std::optional<GenerateResult> result;
    bool said_role = false;
    std::optional<ModerationStream> moderation;  // where there is a moderator
    StoppableRequest request;
  };

  void on_text(size_t index, std::string_view text, std::span<const SampledToken> tokens);
  void on_end(size_t index, const GenerateResult& result);
  void on_error(const Error& error);
  void stop_all();
  void finish();
  ApiJson head(bool chunk) const;
  ApiJson usage() const;
  ApiJson logprobs(std::span<const SampledToken> tokens) const;
  ApiJson choice_json(size_t index) const;
  void write_delta(size_t index, const ApiJson& delta, const ApiJson& logprobs,
                   const char* finish_reason);
  void write_end(size_t index);
  // What may be shown of a text that goes on, and of its end. A text that must not go on stops.
  std::string moderated(Choice& choice, std::string_view text, bool last);
  const char* finish_name(const Choice& choice, bool called) const;
  ApiJson extension() const;

  Api& api_;
  std::shared_ptr<Exchange> exchange_;
  CompletionPlan plan_;
  std::string id_;
  int64_t created_;
  EnergyMeter::Use energy_;
  mutable std::mutex mutex_;
  std::vector<Choice> choices_;
  size_t open_ = 0;
  bool failed_ = false;
  RequestCost cost_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

// Calls written as <tool_call>{…}</tool_call>, or the whole text as one; the text around them goes
// into `rest`. What does not parse is text.
ApiJson find_tool_calls(const std::string& text, bool bare, std::string& rest);

}  // namespace onmal
