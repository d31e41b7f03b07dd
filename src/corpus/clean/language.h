#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace onmal {

enum class Language : uint8_t {
  kKorean,
  kEnglish,
  kJapanese,
  kChinese,
  kOther,  // any other language
  kCode,   // programs, markup, commands, data in brackets
  kNone,   // numbers and signs, too few letters to tell
};
inline constexpr size_t kLanguages = 7;
// "korean", "english" …
std::string_view language_name(Language language);

// The language of a paragraph: of a few lines that belong together. By the bytes of its lines that
// look like code against those of prose (comments count for neither side); then by scripts (a
// syllable weighs as much as 2.5 letters, as Korean technical text is full of Latin names); for
// Latin script by function words and endings of English against those of other languages, and by
// letters that English does not have. Latin script without a sign of either is English.
Language paragraph_language(std::string_view paragraph);

// Bytes in each language, paragraph by paragraph (cut at empty lines); lines between Markdown's
// ``` fences are code.
struct DocumentLanguage {
  Language language = Language::kNone;  // of most bytes; none only where there is no other
  std::array<size_t, kLanguages> bytes = {};
};
DocumentLanguage document_language(std::string_view document);

}  // namespace onmal
