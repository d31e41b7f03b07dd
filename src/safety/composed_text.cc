#include "safety/composed_text.h"

#include <algorithm>

#include "text/fold/jamo.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kJamoBytes = 3;

uint32_t code_at(std::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  const Utf8Char c = read_utf8(text, at);
  return c.valid ? c.code : 0;
}

bool is_conjoining_vowel(uint32_t code) { return code >= 0x1161 && code <= 0x1175; }
bool is_conjoining_final(uint32_t code) { return code >= 0x11A8 && code <= 0x11C2; }

// The syllable that begins at `at` in parts: an open one in two jamo or composed, and a final.
// `length` bytes; 0 where there is none.
char32_t syllable_at(std::string_view text, size_t at, size_t& length) {
  length = 0;
  const uint32_t first = code_at(text, at);
  const bool initial = first >= 0x1100 && first <= 0x1112;
  const bool open =
      is_hangul_syllable(first) && split_syllable(static_cast<char32_t>(first)).final_part == 0;
  if (!initial && !open) return 0;
  Syllable parts;
  size_t end = at + kJamoBytes;
  if (initial) {
    const uint32_t vowel = code_at(text, end);
    if (!is_conjoining_vowel(vowel)) return 0;
    parts = {static_cast<int>(first - 0x1100), static_cast<int>(vowel - 0x1161), 0};
    end += kJamoBytes;
  } else {
    parts = split_syllable(static_cast<char32_t>(first));
  }
  const uint32_t last = code_at(text, end);
  if (is_conjoining_final(last)) {
    parts.final_part = static_cast<int>(last - 0x11A7);
    end += kJamoBytes;
  } else if (!initial) {
    return 0;
  }
  length = end - at;
  return make_syllable(parts);
}

}  // namespace

ComposedText::ComposedText(std::string_view text) : view_(text) {
  // All of these jamo begin with this byte; few other characters do.
  constexpr char kLead = '\xE1';
  if (text.find(kLead) == std::string_view::npos) return;
  size_t copied = 0;
  for (size_t i = 0; i < text.size();) {
    size_t length = 0;
    const char32_t code = syllable_at(text, i, length);
    if (length == 0) {
      i += read_utf8(text, i).length;
      continue;
    }
    composed_.append(text.substr(copied, i - copied));
    append_utf8(code, composed_);
    ends_.push_back({composed_.size(), i + length});
    i += length;
    copied = i;
  }
  if (ends_.empty()) return;
  composed_.append(text.substr(copied));
  view_ = composed_;
}

size_t ComposedText::source(size_t at) const {
  const auto behind =
      std::upper_bound(ends_.begin(), ends_.end(), at,
                       [](size_t place, const End& end) { return place < end.composed; });
  if (behind == ends_.begin()) return at;
  const End& last = *(behind - 1);
  return last.source + (at - last.composed);
}

}  // namespace onmal
