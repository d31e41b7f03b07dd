#include "safety/lexicon.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/error.h"
#include "safety/embedded.h"
#include "safety/word_edges.h"
#include "text/fold/jamo.h"
#include "text/hangul.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kMostLexiconBytes = size_t{4} << 20;
constexpr size_t kMostRootBytes = 200;
constexpr size_t kMostExceptions = 50'000;

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Where the first separator stands, commas only outside of braces, or the end.
size_t find_separator(std::string_view text, char separator, size_t begin) {
  bool inside = false;
  for (size_t i = begin; i < text.size(); ++i) {
    if (text[i] == separator && (!inside || separator == '\n')) return i;
    if (text[i] == '{' || text[i] == '}') inside = text[i] == '{';
  }
  return text.size();
}

// Calls take(part) for what stands between separators, trimmed, if anything.
void for_each_part(std::string_view text, char separator, auto take) {
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = find_separator(text, separator, begin);
    const std::string_view part = trim(text.substr(begin, end - begin));
    if (!part.empty()) take(part);
    begin = end + 1;
  }
}

[[noreturn]] void refuse(const std::string& file, size_t line, const std::string& what) {
  throw Error(ErrorCode::kBadFile, file + ":" + std::to_string(line), what,
              "the format is told at the head of src/safety/data/lexicon.txt");
}

// a{b|c|}d stands for abd, acd and ad; groups do not nest.
void expand_groups(const std::string& pattern, auto take) {
  const size_t open = pattern.find('{');
  const size_t close = pattern.find('}', open);
  if (open == std::string::npos || close == std::string::npos) {
    take(pattern);
    return;
  }
  const std::string head = pattern.substr(0, open);
  const std::string tail = pattern.substr(close + 1);
  for (size_t begin = open + 1; begin <= close;) {
    const size_t end = std::min(pattern.find('|', begin), close);
    expand_groups(head + pattern.substr(begin, end - begin) + tail, take);
    begin = end + 1;
  }
}

void check_size(std::string_view text, const std::string& file) {
  if (text.size() > kMostLexiconBytes)
    throw Error(ErrorCode::kResource, file, "larger than 4 MiB", "give a smaller file");
}

bool is_jamo_word(std::u32string_view word) {
  return std::all_of(word.begin(), word.end(), [](char32_t c) { return is_compatibility_jamo(c); });
}

std::u32string without_spaces(std::u32string word) {
  std::erase(word, U' ');
  return word;
}

// Left of the score of a word that is spoken of, not said: 'the word …'.
constexpr float kSpokenOfShare = 0.5F;

// A character of the text as it was given.
char32_t original_at(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<char32_t>(read_utf8(text, at).code) : 0;
}

}  // namespace

Lexicon Lexicon::standard() { return Lexicon(embedded_lexicon(), embedded_exceptions()); }

Lexicon::Lexicon(std::string_view roots, std::string_view exceptions) {
  check_size(roots, "lexicon");
  check_size(exceptions, "exceptions");
  read_roots(roots);
  read_exceptions(exceptions);
  for (KeywordAutomaton& automaton : automata_) automaton.prepare();
  exceptions_.prepare();
}

void Lexicon::read_exceptions(std::string_view text) {
  size_t count = 0;
  for_each_part(text, '\n', [&](std::string_view line) {
    if (line.front() == '#') return;
    for_each_part(line, ',', [&](std::string_view pattern) {
      expand_groups(std::string(pattern), [&](const std::string& word) {
        if (++count > kMostExceptions)
          throw Error(ErrorCode::kResource, "exceptions", "more than 50,000 words",
                      "give fewer alternatives in braces");
        exceptions_.add(view_of_word(word, View::kPlain).codes(), 0);
      });
    });
  });
}

void Lexicon::set_rule(std::string_view word, size_t line, Rules& rules) {
  if (word == "start") {
    rules.start = true;
  } else if (word == "whole") {
    rules.start = rules.whole = true;
  } else if (word == "exact") {
    rules.exact = true;
  } else if (word == "sound") {
    rules.sound = true;
  } else if (word == "word") {
    rules.word = true;
  } else if (word == "person") {
    rules.person = true;
  } else {
    refuse("lexicon", line, "unknown rule '" + std::string(word) + "'");
  }
}

void Lexicon::read_roots(std::string_view text) {
  size_t number = 0;
  bool in_section = false;
  Category category{};
  float weight = 0;
  Rules rules;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trim(text.substr(begin, end - begin));
    begin = end + 1;
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (line.front() != '[') {
      if (!in_section) refuse("lexicon", number, "a root before any [category weight]");
      for_each_part(line, ',', [&](std::string_view root) {
        if (root.size() > kMostRootBytes) refuse("lexicon", number, "a root of over 200 bytes");
        add_root(root, category, weight, rules);
      });
      continue;
    }
    if (line.back() != ']') refuse("lexicon", number, "a section without ]");
    size_t field = 0;
    rules = {};
    for_each_part(line.substr(1, line.size() - 2), ' ', [&](std::string_view word) {
      ++field;
      if (field == 1) {
        category = category_of(word, "lexicon:" + std::to_string(number));
      } else if (field == 2) {
        const auto read = std::from_chars(word.data(), word.data() + word.size(), weight);
        if (read.ec != std::errc() || !(weight > 0 && weight <= 1))
          refuse("lexicon", number, "the weight must be a number above 0 and at most 1");
      } else {
        set_rule(word, number, rules);
      }
    });
    if (field < 2) refuse("lexicon", number, "a section needs a category and a weight");
    in_section = true;
  }
}

void Lexicon::add_root(std::string_view text, Category category, float weight, Rules rules) {
  const MappedText plain = view_of_word(text, View::kPlain);
  Root root{std::string(text), category, weight, rules};
  for (const char32_t code : plain.codes()) root.syllables += is_hangul_syllable(code) ? 1 : 0;
  root.jamo_only = is_jamo_word(plain.codes());
  // A syllable by itself is chance wherever it is not a word of its own.
  if (root.syllables == 1 && plain.size() == 1) root.rules.start = root.rules.whole = true;
  // Two syllables sound like some innocent word too often.
  constexpr size_t kShort = 2;
  if (root.syllables < kShort || (root.syllables == kShort && !rules.sound))
    root.rules.exact = true;
  roots_.push_back(std::move(root));
  longest_ = std::max(longest_, text.size());
  add_patterns(static_cast<uint32_t>(roots_.size() - 1));
}

void Lexicon::add_patterns(uint32_t index) {
  const Root& root = roots_[index];
  const auto add = [&](View view) {
    const std::u32string codes = view_of_word(root.text, view).codes();
    if (root.jamo_only && codes.size() < 2) return;  // ㅗㅗ, squeezed
    automaton(view).add(codes, index);
    if (!root.rules.word) automaton(view).add(without_spaces(codes), index);
  };
  if (root.rules.word) {
    add(View::kLatin);
    add(View::kBare);
    constexpr size_t kLeast = 4;
    if (view_of_word(root.text, View::kSqueezed).size() >= kLeast) add(View::kSqueezed);
    return;
  }
  for (const View view : {View::kPlain, View::kComposed, View::kJoined}) add(view);
  if (root.jamo_only) return;
  add(View::kDrawn);
  if (root.syllables >= 3) add(View::kSpaceless);
  if (root.rules.exact) return;
  constexpr size_t kLeastSounds = 4;
  if (view_of_word(root.text, View::kSound).size() >= kLeastSounds) {
    add(View::kSound);
    add(View::kLoose);
  }
  add_initials(index);
}

// ㅅ발 and 시ㅂ for 시발; at least half of the syllables stay, for initials alone say little.
void Lexicon::add_initials(uint32_t index) {
  constexpr size_t kMostSyllables = 5;
  const std::u32string word =
      without_spaces(view_of_word(roots_[index].text, View::kLetters).codes());
  const size_t n = word.size();
  if (n < 2 || n > kMostSyllables ||
      !std::all_of(word.begin(), word.end(), [](char32_t c) { return is_hangul_syllable(c); }))
    return;
  for (uint32_t mask = 1; mask < 1U << n; ++mask) {
    if (static_cast<size_t>(std::popcount(mask)) * 2 > n) continue;
    std::u32string variant = word;
    for (size_t i = 0; i < n; ++i)
      if (mask >> i & 1) variant[i] = jamo_of_initial(split_syllable(word[i]).initial);
    automaton(View::kLetters).add(variant, index);
  }
}

bool Lexicon::accept(const Root& root, View view, const MappedText& shown, size_t begin, size_t end,
                     std::string_view text) const {
  const SourceRange source = shown.source(begin, end);
  if (root.rules.word) {
    return begins_word(text, source.begin) && ends_english_word(text, source.end) &&
           !is_counted_plural(text, source.begin, source.end);
  }
  if (root.rules.person && behind_thing_object(text, source.begin)) return false;
  const auto jamo_at = [&](size_t i) {
    return is_compatibility_jamo(shown[i]) &&
           std::u32string_view(U"ㅋㅎㅠㅜ").find(shown[i]) == std::u32string_view::npos;
  };
  // Of the syllables that a word typed in Latin makes, only the first begins it.
  const bool inside = begin > 0 && shown.source(begin - 1) == shown.source(begin);
  const bool starts = !inside && begins_word(text, source.begin);
  const bool by_sound = view == View::kSound || view == View::kLoose;
  if (root.jamo_only ||
      (view == View::kLetters && is_jamo_word(shown.codes().substr(begin, end - begin)))) {
    return (begin == 0 || !jamo_at(begin - 1)) && (end == shown.size() || !jamo_at(end)) &&
           (starts || behind_interjection(text, source.begin));
  }
  if (by_sound && end < shown.size() && shown.source(end) == shown.source(end - 1)) {
    // Within a syllable, unless its first consonant was carried over to a silent one (씨발아).
    const char32_t last = original_at(text, shown.source(end - 1).begin);
    const auto is_vowel = [&](size_t i) {
      return is_compatibility_jamo(shown[i]) && vowel_of_jamo(shown[i]) >= 0;
    };
    const bool carried = !is_vowel(end - 1) && is_vowel(end) && is_hangul_syllable(last) &&
                         jamo_of_initial(split_syllable(last).initial) == U'ㅇ';
    if (!carried) return false;
  }
  const bool glued = view != View::kPlain && view != View::kComposed;
  const bool fuzzy = by_sound || view == View::kLetters || view == View::kSpaceless;
  constexpr size_t kShort = 2;
  constexpr size_t kMiddle = 3;
  const bool needs_start = root.rules.start || fuzzy || (glued && root.syllables <= kShort);
  if (needs_start && !starts && !behind_interjection(text, source.begin)) return false;
  if ((view == View::kSpaceless || (by_sound && root.syllables <= kMiddle)) &&
      !ends_word(text, source.end))
    return false;
  return !root.rules.whole || ends_word(text, source.end);
}

std::vector<LexiconHit> Lexicon::search(std::string_view text) const {
  return search(text, make_views(text));
}

std::vector<SourceRange> Lexicon::innocent_ranges(const TextViews& views) const {
  std::vector<SourceRange> ranges;
  const MappedText& plain = views[static_cast<size_t>(View::kPlain)];
  exceptions_.search(plain.codes(), [&](size_t begin, size_t end, uint32_t) {
    ranges.push_back(plain.source(begin, end));
  });
  return ranges;
}

std::vector<LexiconHit> Lexicon::search(std::string_view text, const TextViews& views) const {
  const std::vector<SourceRange> innocent = innocent_ranges(views);
  const bool speaks_of_letters = names_letters(text);
  std::vector<LexiconHit> hits;
  for (size_t v = 0; v < kViewCount; ++v) {
    const auto view = static_cast<View>(v);
    const MappedText& shown = views[v];
    automata_[v].search(shown.codes(), [&](size_t begin, size_t end, uint32_t id) {
      const SourceRange source = shown.source(begin, end);
      const auto covers = [&](const SourceRange& range) {
        return range.begin <= source.begin && source.end <= range.end;
      };
      if (std::any_of(innocent.begin(), innocent.end(), covers)) return;
      const Root& root = roots_[id];
      if (!accept(root, view, shown, begin, end, text)) return;
      if (root.jamo_only && speaks_of_letters) return;
      float score = root.weight * view_confidence(view);
      if (is_spoken_of(text, source.end)) score *= kSpokenOfShare;
      hits.push_back({source.begin, source.end, root.category, score, view, id});
    });
  }
  std::stable_sort(hits.begin(), hits.end(),
                   [](const LexiconHit& a, const LexiconHit& b) { return a.score > b.score; });
  std::vector<LexiconHit> kept;
  for (const LexiconHit& hit : hits) {
    const auto clashes = [&](const LexiconHit& other) {
      return other.category == hit.category && other.begin < hit.end && hit.begin < other.end;
    };
    if (std::none_of(kept.begin(), kept.end(), clashes)) kept.push_back(hit);
  }
  std::sort(kept.begin(), kept.end(), [](const LexiconHit& a, const LexiconHit& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.category < b.category;
  });
  return kept;
}

}  // namespace onmal
