#pragma once

#include <memory>

#include "answer/task_model.h"
#include "serve/api/served_models.h"

namespace onmal {

// A served model as the tasks know one: its answers come from the engine, beside those of other
// requests. The model needs a chat template, else throws HttpError(400).
std::unique_ptr<TaskModel> make_engine_task_model(std::shared_ptr<ChatModel> model,
                                                  std::string client);

}  // namespace onmal
