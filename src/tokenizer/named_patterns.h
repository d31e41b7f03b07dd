#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace onmal {

// What GGUF's tokenizer.ggml.pre names: patterns applied one after the other, each within the
// stretches of the one before, as llama.cpp applies them (there \p{Lu} and its like mean \p{L}).
struct NamedPatterns {
  std::array<std::string_view, 11> names;  // the first is ours, the others are aliases
  std::array<std::string_view, 6> steps;   // patterns for PCRE2, or the marks below
  bool ignore_merges = false;              // a stretch that is a token is taken whole
  bool add_begin = false;                  // llama.cpp's default where the file says nothing
  bool add_separator = false;
  bool whole_characters = false;  // pieces are UTF-8 with U+2581 for spaces, bytes are "<0x0A>"
};

// A step done by a hand-written scanner: this and its name.
inline constexpr std::string_view kScannerMark = "scanner:";
inline constexpr std::string_view kDigitGroups = "digit groups";

std::span<const NamedPatterns> named_patterns();
// Null when no entry has this name.
const NamedPatterns* find_named_patterns(std::string_view name);
// The pattern in the syntax of tokenizer.json: \x{…} written as characters.
std::string hugging_face_pattern(std::string_view pattern);

}  // namespace onmal
