#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "knowledge/passage.h"

namespace onmal {

// How the model is shown which words are a passage's (or its headings'), so that it does not take
// them for orders
// ("spotlighting", Hines et al., 2024, arXiv 2403.14720).
enum class PassageMarks : uint8_t {
  kNone,   // the fence around all passages alone
  kLines,  // a mark before every line: words stay as a small model knows them
  kWords,  // a mark instead of every space within a passage ("datamarking"): for large models
  kOff,    // no defence at all, the text as it stands: to measure what the others are worth
};

struct ContextOptions {
  int64_t budget_tokens = 2048;  // for all passages, their headers and fences
  PassageMarks marks = PassageMarks::kLines;
  uint64_t seed = 0;  // of the mark and the fence; 0: by the system's random numbers
};

// Where a stretch of a block's text, up to the next one's begin, stands in its document.
struct ContextSegment {
  size_t begin = 0;             // byte of the block's text
  int64_t begin_character = 0;  // of that byte in the document's text
  int64_t page = 0;
  size_t passage = 0;  // index into the passages that were given
};

// A passage, or passages of one document that overlap or follow one another, as [id] names it.
struct ContextBlock {
  int64_t id = 0;  // from 1
  int64_t document = 0;
  std::string source;
  std::string title;
  std::vector<std::string> headings;
  std::string text;  // as in the document
  std::vector<ContextSegment> segments;
  double score = 0;  // the best of its passages'
  bool cut = false;  // its end did not fit

  // Of the document, in Unicode characters; `byte` <= text.size().
  int64_t character_at(size_t byte) const;
  int64_t page_at(size_t byte) const;
};

struct PackedContext {
  std::vector<ContextBlock> blocks;  // the best first
  std::string text;                  // what the model is shown
  std::string fence;                 // a word of the lines around it; no passage has it
  std::string mark;                  // "" where there is none; no passage has it
  int64_t tokens = 0;                // of `text`
  size_t left_out = 0;               // passages that did not fit
};

// Puts passages (the best first) into a budget: whole ones as far as they fit, duplicates left out,
// overlapping and neighbouring ones of a document joined in its order; the last one is cut behind
// a sentence. Above each stand its number, file name, page and headings. In what is shown, and
// there alone: invisible characters and direction marks are left out, "[12]" becomes "(12)" and
// "<|" becomes "< |", so that a passage can forge no number, fence or turn. Throws
// Error(kInvalidArgument) for a budget below 1.
PackedContext pack_context(std::span<const Passage> passages, const ContextOptions& options,
                           FunctionRef<int64_t(std::string_view text)> count_tokens);

// All passages joined as above, without a budget; `text` stays empty.
PackedContext join_passages(std::span<const Passage> passages);

// A passage's text as a model is shown it (without marks).
std::string harmless_text(std::string_view text);

}  // namespace onmal
