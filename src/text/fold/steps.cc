#include "text/fold/steps.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/fold/jamo.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

bool is_conjoining_jamo(char32_t code) { return code >= 0x1100 && code <= 0x11FF; }

// What NFKC leaves as it is, without asking: most of every text.
bool is_plain(char32_t code) {
  return code < 0xA0 || is_hangul_syllable(code) || is_compatibility_jamo(code) ||
         (code >= 0x4E00 && code <= 0x9FFF);
}

bool is_default_ignorable(char32_t code) {
  return code == 0xAD || code == 0x34F || code == 0x61C || code == 0x115F || code == 0x1160 ||
         code == 0x17B4 || code == 0x17B5 || (code >= 0x180B && code <= 0x180F) ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0x3164 || code == 0xFEFF || code == 0xFFA0 ||
         (code >= 0xFE00 && code <= 0xFE0F) || (code >= 0xFFF0 && code <= 0xFFFB) ||
         (code >= 0x1BCA0 && code <= 0x1BCA3) || (code >= 0x1D173 && code <= 0x1D17A) ||
         (code >= 0xE0000 && code <= 0xE0FFF);
}

bool is_latin(char32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

// Signs that hide in words; not the space, nor what ends sentences with a space behind.
bool is_wedge(char32_t code) {
  return is_latin(code) || is_number(code) || is_punctuation(code) || is_symbol(code);
}

bool is_korean(char32_t code) { return is_hangul_syllable(code) || is_compatibility_jamo(code); }

}  // namespace

MappedText fold_compatibility(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size();) {
    if (is_plain(text[i]) &&
        (i + 1 == text.size() || is_plain(text[i + 1]) || !is_mark(text[i + 1]))) {
      out.add(text, i++);
      continue;
    }
    const char32_t half = to_compatibility_jamo(text[i]);
    if (half != text[i] && !is_conjoining_jamo(text[i])) {
      out.add(half, text.source(i++));
      continue;
    }
    // A letter with its marks, or a syllable in parts.
    size_t end = i + 1;
    while (end < text.size() &&
           (is_mark(text[end]) || (is_conjoining_jamo(text[i]) && is_conjoining_jamo(text[end]))))
      ++end;
    std::string cluster;
    for (size_t j = i; j < end; ++j) append_utf8(text[j], cluster);
    const MappedText folded(normalize_unicode(cluster, NormalForm::kNfkc));
    for (size_t j = 0; j < folded.size(); ++j)
      out.add(to_compatibility_jamo(folded[j]), text.source(i, end));
    i = end;
  }
  return out;
}

MappedText drop_invisible(const MappedText& text) {
  constexpr size_t kMostMarks = 2;  // a letter of a real language has hardly more
  MappedText out;
  size_t marks = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t code = text[i];
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    if (is_default_ignorable(code) || (control && code != '\n' && code != '\t' && code != '\r'))
      continue;
    if (code >= 0x300 && is_nonspacing_mark(code)) {
      const bool on_korean = !out.empty() && is_korean(out[out.size() - 1]);
      if (on_korean || ++marks > kMostMarks) continue;
    } else {
      marks = 0;
    }
    out.add(text, i);
  }
  return out;
}

MappedText fold_case(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) out.add(simple_lowercase(text[i]), text.source(i));
  return out;
}

MappedText drop_wedges(const MappedText& text) {
  constexpr size_t kMostWedged = 3;
  const auto spaced_syllable = [&](size_t i) {
    const bool left = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n';
    const bool right = i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n';
    return left && right && is_korean(text[i]);
  };
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool behind_korean = i > 0 && !out.empty() && is_korean(text[i - 1]);
    if (behind_korean && text[i] == ' ' && i + 1 < text.size() && spaced_syllable(i - 1) &&
        spaced_syllable(i + 1))
      continue;
    if (behind_korean && is_wedge(text[i])) {
      size_t end = i;
      while (end < text.size() && end - i < kMostWedged && is_wedge(text[end])) ++end;
      if (end < text.size() && is_korean(text[end])) {
        i = end - 1;
        continue;
      }
    }
    out.add(text, i);
  }
  return out;
}

MappedText squeeze_repeats(const MappedText& text, size_t most) {
  MappedText out;
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t code = text[i];
    run = i > 0 && code == text[i - 1] ? run + 1 : 1;
    if (run > most && !is_number(code)) continue;
    if (!out.empty() && is_hangul_syllable(code) && is_hangul_syllable(out[out.size() - 1])) {
      constexpr int kSilent = 11;  // ㅇ
      const Syllable before = split_syllable(out[out.size() - 1]);
      const Syllable here = split_syllable(code);
      if (here.initial == kSilent && here.final_part == 0 && before.final_part == 0 &&
          before.vowel == here.vowel && before.initial != kSilent)
        continue;
    }
    out.add(text, i);
  }
  return out;
}

MappedText consonant_skeleton(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_hangul_syllable(text[i])) {
      out.add(jamo_of_initial(split_syllable(text[i]).initial), text.source(i));
    } else if (!is_compatibility_jamo(text[i]) || vowel_of_jamo(text[i]) < 0) {
      out.add(text, i);
    }
  }
  return out;
}

}  // namespace onmal
