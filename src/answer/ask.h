#pragma once

#include "answer/task_model.h"

namespace onmal {

struct AskOptions {
  std::string system = {};                // what the model is told first
  std::vector<ChatMessage> history = {};  // "user" and "assistant" in turn
  int64_t max_tokens = 1024;
};

// Answers a question. Throws Error(kInvalidArgument) for a blank question, one that is not UTF-8,
// or a history with another role; Error(kResource) saying by how many tokens the context is
// exceeded.
WrittenText ask_model(TaskModel& model, const std::string& question, const AskOptions& options,
                      FunctionRef<void(std::string_view)> on_text,
                      const std::stop_token& stop = {});

}  // namespace onmal
