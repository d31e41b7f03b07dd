#include "safety/composed_text.h"

#include <algorithm>

#include "text/fold/conjoining_jamo.h"
#include "text/fold/jamo.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// The syllable that begins at `at` in parts: jamo alone, or an open one and a final behind it.
ComposedSyllable syllable_at(std::string_view text, size_t at) {
  const uint32_t first = code_at(text, at);
  if (!is_hangul_syllable(first)) return compose_conjoining(text, at);
  Syllable parts = split_syllable(static_cast<char32_t>(first));
  const size_t end = at + kConjoiningJamoBytes;  // a syllable has as many bytes
  const uint32_t last = code_at(text, end);
  if (parts.final_part != 0 || !is_conjoining_final(last)) return {};
  parts.final_part = static_cast<int>(last - 0x11A7);
  return {make_syllable(parts), end + kConjoiningJamoBytes - at};
}

}  // namespace

ComposedText::ComposedText(std::string_view text) : view_(text) {
  // All of these jamo begin with this byte; few other characters do.
  constexpr char kLead = '\xE1';
  if (text.find(kLead) == std::string_view::npos) return;
  size_t copied = 0;
  for (size_t i = 0; i < text.size();) {
    const auto [code, length] = syllable_at(text, i);
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
