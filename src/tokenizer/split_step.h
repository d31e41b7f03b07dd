#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "text/pattern.h"
#include "tokenizer/scanner.h"

namespace onmal {

// A text on its way through pre-tokenization: consecutive stretches of the text, or of copies that
// a step has changed.
struct Stretches {
  std::vector<std::string_view> list;
  std::deque<std::string> copies;  // a deque: its elements stay where they are
  bool at_text_begin = true;       // the first stretch begins the whole text
  bool valid_utf8 = true;
};

// One step of pre-tokenization.
class SplitStep {
 public:
  virtual ~SplitStep() = default;
  virtual void apply(Stretches& text) const = 0;
};

using SplitSteps = std::vector<std::shared_ptr<const SplitStep>>;

// What becomes of the matches of a pattern, as Hugging Face's tokenizers name it.
enum class SplitBehavior {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,
};

// Finds matches: calls match(begin, end) from left to right for stretches that do not overlap;
// empty ones cut as well.
class Matcher {
 public:
  virtual ~Matcher() = default;
  // `valid`: the text is known to be UTF-8.
  virtual void find(std::string_view text, bool valid,
                    FunctionRef<void(size_t begin, size_t end)> match) const = 0;
};

// Bytes that are not UTF-8 match as U+FFFD would.
std::unique_ptr<Matcher> match_pattern(Pattern pattern);
std::unique_ptr<Matcher> match_text(std::string text);
std::unique_ptr<Matcher> match_characters(bool (*is_match)(uint32_t code));
// Decimal digits (\p{Nd}) in threes counted from the right, where the run ends at a word boundary:
// \d{1,3}(?=(?:\d{3})*\b) in linear time.
std::unique_ptr<Matcher> match_digits_from_right();

std::shared_ptr<const SplitStep> split_by(std::unique_ptr<Matcher> matcher, SplitBehavior behavior,
                                          bool invert = false);
// The hand-written scanner of this name.
std::shared_ptr<const SplitStep> split_by_scanner(std::string_view name);
// Cuts behind the first group of a run of \p{N} and behind each three digits after it; what stands
// before a run stays with its first group (AFMoE in llama.cpp).
std::shared_ptr<const SplitStep> split_digit_groups();
// Cuts where the writing system changes (Hugging Face's "UnicodeScripts").
std::shared_ptr<const SplitStep> split_by_script();
// Cuts after each `length` characters.
std::shared_ptr<const SplitStep> split_by_length(size_t length);
// Puts a space before every stretch that has none.
std::shared_ptr<const SplitStep> prepend_space();
// Writes bytes in GPT-2's alphabet.
std::shared_ptr<const SplitStep> write_byte_level();
// Spaces become `replacement`, one is put before the first stretch of the text (kFirst) or before
// each (kAlways); with `split`, each begins a stretch.
enum class PrependScheme { kNever, kFirst, kAlways };
std::shared_ptr<const SplitStep> metaspace(std::string replacement, PrependScheme scheme,
                                           bool split);

}  // namespace onmal
