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

constexpr std::array<std::string_view, kViewCount> kTransformNames = {
    "plain", "composed", "joined", "drawn", "spaceless", "sound",
    "loose", "letters",  "latin",  "bare",  "squeezed"};
// By how often such a disguise is chance.
constexpr std::array<float, kViewCount> kConfidence = {1.0F,  0.98F, 0.96F, 0.93F, 0.9F, 0.88F,
                                                       0.86F, 0.87F, 0.97F, 0.97F, 0.93F};

bool is_latin(char32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}
bool is_korean(char32_t code) { return is_hangul_syllable(code) || is_compatibility_jamo(code); }
bool is_laughter(char32_t code) {
  return std::u32string_view(U"ㅋㅎㅠㅜ").find(code) != std::u32string_view::npos;
}
bool is_sign(char32_t code) {
  return code != ' ' && code != '\n' && (is_punctuation(code) || is_symbol(code));
}

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

bool any_of(const MappedText& text, auto is) {
  return std::any_of(text.codes().begin(), text.codes().end(), is);
}

// Letters that stand alone (시 . 발, ㅅ ㅣ ㅂ) are one word, with up to four signs and spaces
// between.
MappedText join_alone(const MappedText& text) {
  constexpr size_t kMost = 4;
  const auto alone = [&](size_t i) {
    return is_korean(text[i]) && (i == 0 || !is_korean(text[i - 1])) &&
           (i + 1 == text.size() || !is_korean(text[i + 1]));
  };
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && !is_korean(text[i]) && alone(i - 1)) {
      size_t end = i;
      while (end < text.size() && end - i < kMost && (text[end] == ' ' || is_sign(text[end])))
        ++end;
      if (end > i && end < text.size() && alone(end)) {
        i = end - 1;
        continue;
      }
    }
    out.add(text, i);
  }
  return out;
}

MappedText join(const MappedText& text) { return drop_wedges(join_alone(drop_laughter(text))); }

// Vowels without y and w; they are what people bend to hide a word (쉬발, 뱡신).
char32_t loose_vowel(char32_t jamo) {
  constexpr std::u32string_view kFrom = U"ㅑㅒㅕㅖㅘㅙㅚㅛㅝㅞㅟㅠㅢㅐ";
  constexpr std::u32string_view kTo = U"ㅏㅔㅓㅔㅏㅔㅔㅗㅓㅔㅣㅜㅣㅔ";
  const size_t found = kFrom.find(jamo);
  return found == std::u32string_view::npos ? jamo : kTo[found];
}

MappedText loosen_sounds(const MappedText& sounds) {
  MappedText out;
  for (size_t i = 0; i < sounds.size(); ++i) {
    // ㄷ before ㅅ and ㅈ only tenses them: 갯새끼.
    const bool before_hiss =
        i + 1 < sounds.size() && (sounds[i + 1] == U'ㅅ' || sounds[i + 1] == U'ㅈ');
    if (sounds[i] == U'ㄷ' && before_hiss) continue;
    out.add(loose_vowel(sounds[i]), sounds.source(i));
  }
  return squeeze_repeats(out, 1);
}

char32_t plain_consonant(char32_t jamo) {
  constexpr std::u32string_view kFrom = U"ㄲㄸㅃㅆㅉㅋㅌㅍㅊ";
  constexpr std::u32string_view kTo = U"ㄱㄷㅂㅅㅈㄱㄷㅂㅈ";
  const size_t found = kFrom.find(jamo);
  return found == std::u32string_view::npos ? jamo : kTo[found];
}

// Syllables stay syllables, with plain consonants and loose vowels.
MappedText loosen_syllables(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    char32_t code = plain_consonant(text[i]);
    if (is_hangul_syllable(code)) {
      Syllable parts = split_syllable(code);
      parts.initial = initial_of_jamo(plain_consonant(jamo_of_initial(parts.initial)));
      parts.vowel = vowel_of_jamo(loose_vowel(jamo_of_vowel(parts.vowel)));
      code = make_syllable(parts);
    }
    out.add(code, text.source(i));
  }
  return squeeze_repeats(out, 1);
}

MappedText without_spaces(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool between = text[i] == ' ' && !out.empty() && is_korean(out[out.size() - 1]) &&
                         i + 1 < text.size() && is_korean(text[i + 1]);
    if (!between) out.add(text, i);
  }
  return out;
}

char32_t letter_of_sign(char32_t code) {
  constexpr std::u32string_view kSigns = U"@4310$5!7€£";
  constexpr std::u32string_view kLetters = U"aaeiossitel";
  const size_t found = kSigns.find(code);
  return found == std::u32string_view::npos ? 0 : kLetters[found];
}

MappedText without_accents(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_nonspacing_mark(text[i])) continue;
    const bool other = text[i] < 0x80 || is_hangul_syllable(text[i]);
    out.add(other ? text[i] : base_character(text[i]), text.source(i));
  }
  return out;
}

// Latin letters without accents; signs and digits that touch one become the letter they draw.
MappedText latin_letters(const MappedText& text) {
  const MappedText bare = without_accents(text);
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

// What Latin words are on a Korean keyboard, where that makes nothing but syllables.
void add_typed_words(const MappedText& seen, MappedText& plain) {
  constexpr size_t kLeast = 4;
  constexpr size_t kMost = 64;
  const MappedText joined = latin_joined(seen);
  for (size_t i = 0; i < joined.size();) {
    size_t end = i;
    std::string keys;
    while (end < joined.size() && is_latin(joined[end])) keys += static_cast<char>(joined[end++]);
    if (keys.size() >= kLeast && keys.size() <= kMost) {
      const MappedText typed(type_hangul(keys));
      if (!any_of(typed, [](char32_t c) { return !is_hangul_syllable(c); })) {
        // Nothing joins across this: a sign between spaces, beside no letter alone.
        for (const char32_t code : std::u32string_view(U" \uFFFC\uFFFC\uFFFC\uFFFC\uFFFC "))
          plain.add(code, joined.source(end - 1));
        for (size_t j = 0; j < typed.size(); ++j) plain.add(typed[j], joined.source(i, end));
      }
    }
    i = std::max(end, i + 1);
  }
}

}  // namespace

std::string_view view_name(View view) { return kTransformNames[static_cast<size_t>(view)]; }
float view_confidence(View view) { return kConfidence[static_cast<size_t>(view)]; }

TextViews make_views(std::string_view text) {
  TextViews views;
  const auto at = [&](View view) -> MappedText& { return views[static_cast<size_t>(view)]; };
  const MappedText seen = drop_invisible(fold_compatibility(MappedText(text)));
  MappedText& plain = at(View::kPlain);
  plain = fold_case(seen);
  const bool latin = any_of(seen, is_latin);
  const bool foreign = any_of(seen, [](char32_t c) { return c >= 0x370 && c < 0x530; });
  if (latin || foreign) {
    const MappedText drawn = fold_lookalikes(plain);
    at(View::kLatin) = squeeze_repeats(latin_joined(latin_letters(drawn)), 2);
    at(View::kBare) = squeeze_repeats(latin_joined(without_accents(drawn)), 2);
    at(View::kSqueezed) = squeeze_repeats(at(View::kLatin), 1);
  }
  if (latin) add_typed_words(seen, plain);
  if (!any_of(plain, is_korean)) return views;
  const bool jamo = any_of(plain, is_compatibility_jamo);
  if (jamo) at(View::kComposed) = compose_jamo(plain);
  at(View::kJoined) = squeeze_repeats(compose_jamo(join(plain)), 1);
  const MappedText drawn = join(fold_lookalikes(plain));
  at(View::kDrawn) = squeeze_repeats(compose_jamo(drawn), 1);
  at(View::kSpaceless) = without_spaces(at(View::kDrawn));
  at(View::kSound) = squeeze_repeats(sound_key(at(View::kDrawn)), 1);
  at(View::kLoose) = loosen_sounds(at(View::kSound));
  if (any_of(drawn, is_compatibility_jamo)) at(View::kLetters) = loosen_syllables(drawn);
  return views;
}

MappedText view_of_word(std::string_view word, View view) {
  const MappedText plain = fold_case(fold_compatibility(MappedText(word)));
  const MappedText drawn = squeeze_repeats(fold_lookalikes(plain), 1);
  switch (view) {
    case View::kPlain:
    case View::kComposed:
      return plain;
    case View::kJoined:
      return squeeze_repeats(plain, 1);
    case View::kLetters:
      return loosen_syllables(drawn);
    case View::kLoose:
      return loosen_sounds(squeeze_repeats(sound_key(drawn), 1));
    case View::kDrawn:
      return drawn;
    case View::kSpaceless:
      return without_spaces(drawn);
    case View::kSound:
      return squeeze_repeats(sound_key(drawn), 1);
    case View::kLatin:
    case View::kBare:
      return squeeze_repeats(plain, 2);
    case View::kSqueezed:
      return squeeze_repeats(plain, 1);
  }
  return {};
}

}  // namespace onmal
