#pragma once

#include "answer/extract.h"
#include "answer/task_model.h"

namespace onmal {

struct SummarizeOptions {
  SummaryLength length = {4, 0};
  std::string prefix = {};          // what a tuned model wants before a text ("summarize: ")
  int64_t part_tokens = 0;          // of a part that is summarised by itself; 0: what fits
  int64_t most_tokens = 2'000'000;  // of a text; what is longer is refused, not read half
};

struct Summary {
  std::string text;
  size_t parts = 1;    // that were summarised by themselves
  int64_t rounds = 1;  // of summaries of summaries
  bool finished = true;
};

// Summarises a text that fits at once; a longer one part by part, and then the summaries, as often
// as it takes. Throws Error(kInvalidArgument) for a blank text or one that is not UTF-8,
// Error(kResource) for one beyond most_tokens; what the model throws.
Summary summarize_text(TaskModel& model, std::string_view text, const SummarizeOptions& options,
                       FunctionRef<void(size_t done, size_t parts)> progress,
                       const std::stop_token& stop = {});

}  // namespace onmal
