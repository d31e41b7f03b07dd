#include "answer/ask.h"

#include "base/error.h"

namespace onmal {

WrittenText ask_model(TaskModel& model, const std::string& question, const AskOptions& options,
                      FunctionRef<void(std::string_view)> on_text, const std::stop_token& stop) {
  require_text(question, "ask");
  for (const ChatMessage& message : options.history) {
    if (message.role == "user" || message.role == "assistant") continue;
    throw Error(ErrorCode::kInvalidArgument, "ask",
                "the history has a message of '" + message.role + "'",
                "messages are of user and assistant; system text has its own place");
  }
  TaskPrompt prompt;
  prompt.text = question;
  prompt.system = options.system;
  prompt.history = options.history;
  prompt.max_tokens = options.max_tokens;
  return model.write(prompt, on_text, stop);
}

}  // namespace onmal
