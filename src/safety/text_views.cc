#include "safety/text_views.h"

#include <algorithm>
#include <string>

#include "text/fold/jamo.h"
#include "text/fold/steps.h"
#include "text/hangul.h"
#include "text/hangul_keyboard.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::array<std::string_view, kViewCount> kNames = {
    "plain", "composed", "joined",   "drawn", "spaceless",
    "sound", "letters",  "keyboard", "latin", "squeezed"};
// By how often such a disguise is chance.
constexpr std::array<float, kViewCount> kConfidence = {1.0F,  0.98F, 0.96F, 0.93F, 0.9F,
                                                       0.87F, 0.87F, 0.87F, 0.97F, 0.93F};

bool is_latin(char32_t code) { return code >= 'a' && code <= 'z'; }
bool is_korean(char32_t code) { return is_hangul_syllable(code) || is_compatibility_jamo(code); }
bool is_laughter(char32_t code) {
  return std::u32string_view(U"ㅋㅎㅠㅜ").find(code) != std::u32string_view::npos;
}
bool is_sign(char32_t code) {
  return code != ' ' && code != '\n' && (is_punctuation(code) || is_symbol(code));
}

MappedText plain_view(const MappedText& seen) { return fold_case(seen); }

// Line ends and tabs are spaces, and laughter between syllables (시ㅋㅋ발) is nothing.
MappedText drop_laughter(const MappedText& text) {
  constexpr size_t kMost = 3;
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_laughter(text[i]) && !out.empty() && is_hangul_syllable(out[out.size() - 1])) {
      size_t end = i;
      while (end < text.size() && end - i < kMost && is_laughter(text[end])) ++end;
      if (end < text.size() && is_hangul_syllable(text[end])) {
        i = end - 1;
        continue;
      }
    }
    const bool gap = text[i] == '\n' || text[i] == '\t' || text[i] == '\r';
    out.add(gap ? U' ' : text[i], text.source(i));
  }
  return out;
}

// Signs that stand around a syllable within a word, 시(발).
MappedText join(const MappedText& text) { return drop_wedges(drop_laughter(text)); }

MappedText without_spaces(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool between = text[i] == ' ' && !out.empty() && is_korean(out[out.size() - 1]) &&
                         i + 1 < text.size() && is_korean(text[i + 1]);
    if (!between) out.add(text, i);
  }
  return out;
}

// Letters of words typed with the keyboard in Latin; each syllable stands for its whole word.
MappedText typed_view(const MappedText& seen) {
  constexpr size_t kLeast = 4;
  MappedText out;
  for (size_t i = 0; i < seen.size();) {
    size_t end = i;
    std::string keys;
    while (end < seen.size() && (is_latin(seen[end]) || (seen[end] >= 'A' && seen[end] <= 'Z')))
      keys += static_cast<char>(seen[end++]);
    if (end == i) {
      out.add(' ', seen.source(i++));
      continue;
    }
    if (keys.size() >= kLeast) {
      const MappedText typed(type_hangul(keys));
      for (size_t j = 0; j < typed.size(); ++j) out.add(typed[j], seen.source(i, end));
    }
    i = end;
  }
  return out;
}

char32_t letter_of_sign(char32_t code) {
  constexpr std::u32string_view kSigns = U"@4310$5!7€£";
  constexpr std::u32string_view kLetters = U"aaeiossitel";
  const size_t found = kSigns.find(code);
  return found == std::u32string_view::npos ? 0 : kLetters[found];
}

// Latin letters without accents; signs and digits that touch one become the letter they draw.
MappedText latin_letters(const MappedText& text) {
  MappedText bare;
  for (size_t i = 0; i < text.size(); ++i)
    bare.add(text[i] < 0x80 ? text[i] : simple_lowercase(base_character(text[i])), text.source(i));
  MappedText out;
  for (size_t i = 0; i < bare.size(); ++i) {
    const char32_t letter = letter_of_sign(bare[i]);
    const bool behind = !out.empty() && is_latin(out[out.size() - 1]);
    const bool before = i + 1 < bare.size() && is_latin(bare[i + 1]);
    const bool ends_sentence = bare[i] == '!' && !before;
    if (letter != 0 && (behind || before) && !ends_sentence) {
      out.add(letter, bare.source(i));
    } else {
      out.add(bare, i);
    }
  }
  return out;
}

// f.u.c.k and f u c k, not "as shown": spaces go only between letters that stand alone.
MappedText latin_joined(const MappedText& text) {
  const auto alone = [&](size_t i) {
    return is_latin(text[i]) && (i == 0 || !is_latin(text[i - 1])) &&
           (i + 1 == text.size() || !is_latin(text[i + 1]));
  };
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool between = i > 0 && i + 1 < text.size() && is_latin(text[i - 1]);
    if (between && text[i] == ' ' && alone(i - 1) && alone(i + 1)) continue;
    if (between && is_sign(text[i]) && text[i] != '\'') {
      size_t end = i;
      while (end < text.size() && end - i < 3 && is_sign(text[end])) ++end;
      if (end < text.size() && is_latin(text[end])) {
        i = end - 1;
        continue;
      }
    }
    out.add(text, i);
  }
  return out;
}

bool any_of(const MappedText& text, auto is) {
  return std::any_of(text.codes().begin(), text.codes().end(), is);
}

}  // namespace

std::string_view view_name(View view) { return kNames[static_cast<size_t>(view)]; }
float view_confidence(View view) { return kConfidence[static_cast<size_t>(view)]; }

TextViews make_views(std::string_view text) {
  TextViews views;
  const auto at = [&](View view) -> MappedText& { return views[static_cast<size_t>(view)]; };
  const MappedText seen = drop_invisible(fold_compatibility(MappedText(text)));
  at(View::kPlain) = plain_view(seen);
  const MappedText& plain = at(View::kPlain);
  const bool latin = any_of(seen, [](char32_t c) { return is_latin(c | 0x20); });
  if (any_of(plain, [](char32_t c) { return is_korean(c); })) {
    const bool jamo = any_of(plain, [](char32_t c) { return is_compatibility_jamo(c); });
    if (jamo) at(View::kComposed) = compose_jamo(plain);
    const MappedText joined = join(plain);
    at(View::kJoined) = squeeze_repeats(compose_jamo(joined), 1);
    if (jamo) at(View::kLetters) = squeeze_repeats(joined, 1);
    at(View::kDrawn) = squeeze_repeats(compose_jamo(join(fold_lookalikes(plain))), 1);
    at(View::kSpaceless) = without_spaces(at(View::kDrawn));
    at(View::kSound) = squeeze_repeats(sound_key(at(View::kDrawn)), 1);
  }
  if (latin || any_of(seen, [](char32_t c) { return c >= 0x370 && c < 0x530; })) {
    if (latin) at(View::kKeyboard) = typed_view(seen);
    at(View::kLatin) = squeeze_repeats(latin_joined(latin_letters(fold_lookalikes(plain))), 2);
    at(View::kSqueezed) = squeeze_repeats(at(View::kLatin), 1);
  }
  return views;
}

MappedText view_of_word(std::string_view word, View view) {
  const MappedText plain = fold_case(fold_compatibility(MappedText(word)));
  const MappedText drawn = squeeze_repeats(fold_lookalikes(plain), 1);
  switch (view) {
    case View::kPlain:
    case View::kComposed:
    case View::kKeyboard:
      return plain;
    case View::kJoined:
    case View::kLetters:
      return squeeze_repeats(plain, 1);
    case View::kDrawn:
      return drawn;
    case View::kSpaceless:
      return without_spaces(drawn);
    case View::kSound:
      return squeeze_repeats(sound_key(drawn), 1);
    case View::kLatin:
      return squeeze_repeats(plain, 2);
    case View::kSqueezed:
      return squeeze_repeats(plain, 1);
  }
  return {};
}

}  // namespace onmal
