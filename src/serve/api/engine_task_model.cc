#include "serve/api/engine_task_model.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "infer/answer_end.h"
#include "serve/http/http_error.h"

namespace onmal {
namespace {

constexpr int64_t kUsualAnswer = 1024;

// Text on its way from the engine's thread to the one that waits for it.
class Handover : public EngineListener {
 public:
  void on_text(std::string_view text, std::span<const SampledToken>) override {
    const std::lock_guard lock(mutex_);
    text_ += text;
    changed_.notify_all();
  }
  void on_end(const GenerateResult& result) override {
    const std::lock_guard lock(mutex_);
    result_ = result;
    changed_.notify_all();
  }
  void on_error(const Error& error) override {
    const std::lock_guard lock(mutex_);
    error_ = error;
    changed_.notify_all();
  }

  GenerateResult wait(FunctionRef<void(std::string_view)> on_text) {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return !text_.empty() || result_ || error_; });
      const std::string text = std::exchange(text_, {});
      if (text.empty()) break;
      lock.unlock();
      on_text(text);
      lock.lock();
    }
    if (error_) throw Error(*error_);
    return *result_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::optional<GenerateResult> result_;
  std::optional<Error> error_;
};

class EngineTaskModel : public TaskModel {
 public:
  EngineTaskModel(std::shared_ptr<ChatModel> model, std::string client)
      : model_(std::move(model)),
        client_(std::move(client)),
        name_{model_->name, model_->model.path.filename().string(), "instruct"} {}

  const ModelName& name() const override { return name_; }
  bool is_instructed() const override { return true; }
  int64_t count_tokens(std::string_view text) const override {
    return static_cast<int64_t>(model_->model.tokenizer->encode(text).size());
  }
  int64_t room(const TaskPrompt& prompt) const override {
    TaskPrompt empty = prompt;
    empty.text = "";
    return model_->engine.context() - static_cast<int64_t>(ids_of(empty).size());
  }
  bool has_piece(std::string_view piece) const override {
    return model_->model.tokenizer->find(piece) >= 0;
  }

  WrittenText write(const TaskPrompt& prompt, FunctionRef<void(std::string_view)> on_text,
                    const std::stop_token& stop) override {
    EngineRequest request;
    request.prompt = ids_of(prompt);
    request.client = client_;
    request.options.sampler.temperature = 0;
    request.options.max_tokens = prompt.max_tokens > 0 ? prompt.max_tokens : kUsualAnswer;
    if (model_->end_of_message >= 0) request.options.stop_ids.push_back(model_->end_of_message);
    // The caller's constraint lives until this returns.
    if (prompt.constraint != nullptr)
      request.constraint = {std::shared_ptr<const void>(), prompt.constraint};
    const auto handover = std::make_shared<Handover>();
    const auto id = model_->engine.submit(std::move(request), handover);
    if (!id) throw HttpError(429, "Too many requests are waiting; try again later.", "server_busy");
    const std::stop_callback on_stop(stop, [&] { model_->engine.cancel(*id); });
    const GenerateResult result = handover->wait(on_text);
    if (result.finish == FinishReason::kCancelled)
      throw Error(ErrorCode::kCancelled, name_.name, "stopped");
    return {result.text, result.prompt_tokens, static_cast<int64_t>(result.ids.size()),
            !is_cut(result.finish)};
  }

 private:
  std::vector<int32_t> ids_of(const TaskPrompt& prompt) const {
    std::vector<ChatMessage> messages;
    if (!prompt.system.empty()) messages.push_back({"system", prompt.system});
    messages.insert(messages.end(), prompt.history.begin(), prompt.history.end());
    const std::string instruction =
        prompt.instruction.empty() ? std::string() : prompt.instruction + "\n\n";
    messages.push_back({"user", instruction + prompt.text});
    ChatRequest request;
    request.messages = messages;
    return model_->encoder->encode(model_->chat_template->render(request),
                                   model_->chat_template->is_own_chatml());
  }

  std::shared_ptr<ChatModel> model_;
  std::string client_;
  ModelName name_;
};

}  // namespace

std::unique_ptr<TaskModel> make_engine_task_model(std::shared_ptr<ChatModel> model,
                                                  std::string client) {
  if (model->chat_template == nullptr)
    throw HttpError(400, "This model has no chat template.", "model_not_supported", "model");
  return std::make_unique<EngineTaskModel>(std::move(model), std::move(client));
}

}  // namespace onmal
