#pragma once

#include "answer/pieces.h"
#include "answer/task_model.h"

namespace onmal {

struct TranslateOptions {
  std::string from = {};  // "ko", "Korean", "korean"; "": by the letters of the text
  std::string to = {};    // "": English, or Korean where the text is no Korean
  std::string prefix =
      {};  // of tuned models; "": the model's own language tokens, where it has some
  int64_t max_tokens = 0;  // of each part; 0: by its length
};

struct Translation {
  std::string text;
  std::string from, to;  // codes where they are known, else as given
  size_t parts = 0;
  // Numbers, addresses and code that a part's translation lacks, and the part (from 0).
  struct Loss {
    FixedPart part;
    size_t where;
  };
  std::vector<Loss> lost;
  int64_t unfinished = 0;  // parts that were cut off at max_tokens
};

// The code of a language given by code or English name ("Korean" is "ko"); what is unknown in lower
// case as it is.
std::string language_code(const std::string& language);
// "Korean" for "ko"; what is unknown as it is.
std::string language_name(const std::string& language);
// By script: ko, ja, zh, ru, el, ar, he, hi, th, else en; "" for a text without letters.
std::string detect_language(std::string_view text);

// Translates part by part (see cut_into_parts) and joins the parts where they stood.
// `progress(done, parts)` is called behind each. Throws Error(kInvalidArgument) for a blank text,
// one that is not UTF-8, or equal languages; what the model throws.
Translation translate_text(TaskModel& model, std::string_view text, const TranslateOptions& options,
                           FunctionRef<void(size_t done, size_t parts)> progress,
                           const std::stop_token& stop = {});

}  // namespace onmal
