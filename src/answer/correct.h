#pragma once

#include "answer/edit_tagger.h"
#include "answer/task_model.h"
#include "text/edits.h"
#include "text/sentences.h"

namespace onmal {

struct CorrectOptions {
  double most_rewritten = 0.4;  // share of a sentence's characters; beyond, nothing is changed
  std::string prefix = {};      // what a tuned model wants before a sentence
};

// One word's (or a few neighbouring words') change. Offsets are the original text's.
struct CorrectionEdit {
  size_t begin, end;                      // bytes
  size_t begin_character, end_character;  // Unicode characters
  std::string from, to;
};

struct Correction {
  std::string text;
  std::vector<CorrectionEdit> edits;
  // What the model wanted and may not do: "changes a number", "changes a URL", "changes code",
  // "changes a name", "rewrites 61 % of the sentence".
  struct Dropped {
    CorrectionEdit edit;
    std::string reason;
  };
  std::vector<Dropped> dropped;
  size_t sentences = 0;
};

// Why a change from one wording to the other may not be made; "" where it may. Hangul for Latin
// letters is allowed where they are the keys that type it.
std::string forbidden_change(std::string_view from, std::string_view to);

// The text with those changes of its sentences that the guards let pass. `proposals` belong to the
// sentences of split_sentences(text).
Correction review_correction(std::string_view text, std::span<const TextSpan> sentences,
                             std::span<const std::string> proposals, const CorrectOptions& options);

// Corrects sentence by sentence; all else (white space between sentences, list markers) stays.
// Throws Error(kInvalidArgument) for a blank text or one that is not UTF-8; what the model throws.
Correction correct_text(TaskModel& model, std::string_view text, const CorrectOptions& options,
                        FunctionRef<void(size_t done, size_t sentences)> progress,
                        const std::stop_token& stop = {});
Correction correct_text(const EditTagger& model, ThreadPool& pool, std::string_view text,
                        const CorrectOptions& options, const std::stop_token& stop = {});

}  // namespace onmal
