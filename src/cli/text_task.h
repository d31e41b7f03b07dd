#pragma once

#include <memory>
#include <optional>
#include <string>

#include "answer/task_model.h"
#include "cli/json_output.h"
#include "cli/model_options.h"

namespace onmal {

// What translate, correct, summarize and ask have in common.
struct TextTaskOptions {
  std::string task;  // the command's name
  TalkOptions talk;  // model, adapters, context, sampler, seed
  std::optional<std::string> text;
  std::string file;
  bool bare = false;
  std::string prefix;
  std::optional<int64_t> beams;
  std::optional<double> length_penalty;
};

// -m, --text, --file and how the model writes. Without `needs_model`, -m may be left out.
void add_text_task_options(CLI::App& command, TextTaskOptions& options, bool needs_model = true);

// --text, --file or standard input, without one line end behind it. Throws CLI::ValidationError for
// both or none.
std::string read_task_text(CommandContext& context, const TextTaskOptions& options);

// An instruct model, a tuned decoder (--bare) or an encoder–decoder. Throws Error(kUnsupported) for
// models that write no text.
std::unique_ptr<TaskModel> open_task_model(CommandContext& context, ThreadPool& pool,
                                           const TextTaskOptions& options);

// "3 of 12 sentences" on a terminal.
void show_task_progress(CommandContext& context, size_t done, size_t total, const char* units);

Json model_json(const ModelName& name);
// "answered by gemma-3 (instruct)", to be told on context.err.
std::string model_line(const ModelName& name);

}  // namespace onmal
