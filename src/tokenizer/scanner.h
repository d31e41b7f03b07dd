#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "text/char_classes.h"

namespace onmal {

// Cuts text into the stretches that byte-level BPE works within. Hand-written scanners, equal to
// these patterns (all with Unicode classes), linear in the length of the text; bytes that are not
// UTF-8 count as "other" characters:
//   gpt-2      's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   llama-bpe  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
//   ?[^\s\p{L}\p{N}]+[\r\n]*|
//              \s*[\r\n]+|\s+(?!\S)|\s+
//   qwen2      as llama-bpe with \p{N} for \p{N}{1,3}
//   superbpe   \p{N}+ apart from the rest, then digits in threes from the right,
//   (?=(\d{3})+(?!\d)): words join across
//              spaces here (Liu et al., 2025)
class Scanner {
 public:
  // Throws Error(kUnsupported) for a name not listed above.
  explicit Scanner(std::string_view name);

  // Calls piece(begin, end) for consecutive stretches that cover `text`.
  void split(std::string_view text, FunctionRef<void(size_t begin, size_t end)> piece) const;

  // The patterns as Hugging Face's tokenizer.json wants them, to be applied one after the other.
  std::vector<std::string> patterns() const;
  // The name whose patterns are these; "" when none has them.
  static std::string name_of_patterns(const std::vector<std::string>& patterns);
  static const std::vector<std::string>& names();

 private:
  enum class Kind { kGpt2, kLlama, kQwen2, kSuper };

  struct Char {
    uint32_t code;
    uint32_t length;
    CharClass kind;
  };
  Char read(std::string_view text, size_t position) const;
  size_t run_of(std::string_view text, size_t position, CharClass kind) const;
  size_t gpt2_end(std::string_view text, size_t begin) const;
  size_t llama_end(std::string_view text, size_t begin, size_t most_digits) const;
  void split_super(std::string_view text, FunctionRef<void(size_t, size_t)> piece) const;
  size_t space_end(std::string_view text, size_t begin, bool newlines_apart) const;

  std::string name_;
  Kind kind_;
  CharClasses classes_;
};

}  // namespace onmal
