#include "text/edit_labels.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/characters.h"
#include "text/fold/jamo.h"
#include "text/hangul.h"
#include "text/hangul_keyboard.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kDelete = "$DELETE";
constexpr std::string_view kSpace = "$SPACE";
constexpr std::string_view kHangul = "$HANGUL";
constexpr std::string_view kReplace = "$REPLACE_";

constexpr uint32_t kVowels = 21;
constexpr uint32_t kFinals = 28;
constexpr uint32_t kNoJamo = 255;

// A syllable in parts; kNoJamo where there is none (a lone jamo), final 0: none.
struct Jamo {
  uint32_t initial = kNoJamo, vowel = kNoJamo, last = 0;
  bool operator==(const Jamo&) const = default;
};

Jamo jamo_of(uint32_t code) {
  if (is_hangul_syllable(code)) {
    const uint32_t at = code - kFirstHangulSyllable;
    return {at / (kVowels * kFinals), at / kFinals % kVowels, at % kFinals};
  }
  const auto c = static_cast<char32_t>(code);
  if (const size_t at = kInitialJamo.find(c); at != std::u32string_view::npos)
    return {static_cast<uint32_t>(at), kNoJamo, 0};
  if (const size_t at = kVowelJamo.find(c); at != std::u32string_view::npos)
    return {kNoJamo, static_cast<uint32_t>(at), 0};
  return {};
}

uint32_t compose(const Jamo& jamo) {
  if (jamo.initial == kNoJamo || jamo.vowel == kNoJamo) return 0;
  return kFirstHangulSyllable + (jamo.initial * kVowels + jamo.vowel) * kFinals + jamo.last;
}

std::string utf8(uint32_t code) {
  std::string text;
  append_utf8(code, text);
  return text;
}

bool is_latin(uint32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

uint32_t code_of(std::string_view character) {
  if (character.empty()) return 0;
  const Utf8Char c = read_utf8(character, 0);
  return c.valid ? c.code : 0x110000 + c.code;
}

// What it costs to take one character for the other.
double replacing_cost(uint32_t a, uint32_t b) {
  if (a == b) return 0;
  if (is_white_space(a) || is_white_space(b)) return 2.1;  // never: remove and add
  const Jamo x = jamo_of(a);
  const Jamo y = jamo_of(b);
  const bool hangul =
      (x.initial != kNoJamo || x.vowel != kNoJamo) && (y.initial != kNoJamo || y.vowel != kNoJamo);
  if (!hangul) return 1.2;
  int same = 0;
  same += x.initial != kNoJamo && x.initial == y.initial;
  same += x.vowel != kNoJamo && x.vowel == y.vowel;
  same += x.last == y.last;
  return 1.2 - 0.3 * same;
}

double adding_cost(uint32_t code) { return is_white_space(code) ? 0.6 : 1.0; }

// For each character of `a` the stretch [begin, end) of `b` that it becomes.
std::vector<std::pair<size_t, size_t>> align(const std::vector<uint32_t>& a,
                                             const std::vector<uint32_t>& b) {
  const size_t width = b.size() + 1;
  std::vector<double> costs((a.size() + 1) * width);  // of the rests behind i and j
  for (size_t i = a.size() + 1; i-- > 0;) {
    for (size_t j = width; j-- > 0;) {
      if (i == a.size() && j == b.size()) continue;
      double best = 1e9;
      if (i < a.size() && j < b.size())
        best = costs[(i + 1) * width + j + 1] + replacing_cost(a[i], b[j]);
      if (i < a.size()) best = std::min(best, costs[(i + 1) * width + j] + adding_cost(a[i]));
      if (j < b.size()) best = std::min(best, costs[i * width + j + 1] + adding_cost(b[j]));
      costs[i * width + j] = best;
    }
  }
  constexpr double kSlack = 1e-9;
  std::vector<std::pair<size_t, size_t>> stretches;
  size_t j = 0;
  size_t pending = 0;  // added characters that wait for the one behind them
  for (size_t i = 0; i < a.size();) {
    const double cost = costs[i * width + j];
    const auto is = [&](double other) { return cost > other - kSlack && cost < other + kSlack; };
    if (j < b.size() && is(costs[(i + 1) * width + j + 1] + replacing_cost(a[i], b[j]))) {
      stretches.emplace_back(pending, j + 1);
      pending = ++j;
      ++i;
    } else if (is(costs[(i + 1) * width + j] + adding_cost(a[i]))) {
      stretches.emplace_back(pending, j);
      pending = j;
      ++i;
    } else {
      // A space belongs to what follows it, another character to what stands before it.
      ++j;
      if (!is_white_space(b[j - 1]) && !stretches.empty() && pending == j - 1) {
        stretches.back().second = j;
        pending = j;
      }
    }
  }
  if (!stretches.empty()) stretches.back().second = b.size();
  return stretches;
}

// Words of other languages rarely type whole syllables alone.
bool is_all_syllables(std::string_view text) {
  const std::vector<std::string_view> characters = split_characters(text);
  return std::all_of(characters.begin(), characters.end(), [](std::string_view character) {
    return is_hangul_syllable(code_of(character));
  });
}

std::string replacing_label(std::string_view character, std::string_view meant) {
  if (meant == character) return std::string(kKeepLabel);
  if (meant.empty()) return std::string(kDelete);
  const std::string whole = std::string(kReplace) + std::string(meant);
  if (split_characters(meant).size() != 1) return whole;
  const Jamo from = jamo_of(code_of(character));
  const Jamo to = jamo_of(code_of(meant));
  if (to.initial == kNoJamo || to.vowel == kNoJamo) return whole;
  if (Jamo{to.initial, from.vowel, from.last} == to) return "$I_" + utf8(kInitialJamo[to.initial]);
  if (Jamo{from.initial, to.vowel, from.last} == to) return "$V_" + utf8(kVowelJamo[to.vowel]);
  if (Jamo{from.initial, from.vowel, to.last} == to)
    return "$F_" + (to.last == 0 ? "" : utf8(kFinalJamo[to.last - 1]));
  return whole;
}

std::string label_for(std::string_view character, std::string_view meant) {
  if (!meant.starts_with(' ') || character == " ") return replacing_label(character, meant);
  const std::string rest = replacing_label(character, meant.substr(1));
  if (rest == kKeepLabel) return std::string(kSpace);
  if (rest == kDelete) return std::string(kReplace) + " ";
  return std::string(kSpace) + rest;
}

// Stretches of two or more Latin letters that stand in the text as keys of what was meant.
std::vector<bool> mark_wrong_language(const std::vector<std::string_view>& characters,
                                      std::string_view meant, std::string& as_hangul) {
  std::vector<bool> marks(characters.size(), false);
  for (size_t i = 0; i < characters.size();) {
    size_t end = i;
    std::string keys;
    while (end < characters.size() && is_latin(code_of(characters[end]))) keys += characters[end++];
    if (keys.size() < 2 || meant.find(keys) != std::string_view::npos ||
        meant.find(type_hangul(keys)) == std::string_view::npos ||
        !is_all_syllables(type_hangul(keys))) {
      end = std::max(end, i + 1);
      for (size_t j = i; j < end; ++j) as_hangul += characters[j];
    } else {
      as_hangul += type_hangul(keys);
      std::fill(marks.begin() + static_cast<std::ptrdiff_t>(i),
                marks.begin() + static_cast<std::ptrdiff_t>(end), true);
    }
    i = end;
  }
  return marks;
}

std::vector<std::string> aligned_labels(std::string_view written, std::string_view meant) {
  const std::vector<std::string_view> from = split_characters(written);
  const std::vector<std::string_view> to = split_characters(meant);
  std::vector<uint32_t> a(from.size());
  std::vector<uint32_t> b(to.size());
  std::transform(from.begin(), from.end(), a.begin(), code_of);
  std::transform(to.begin(), to.end(), b.begin(), code_of);
  std::vector<std::string> labels;
  const auto stretches = align(a, b);
  for (size_t i = 0; i < from.size(); ++i) {
    std::string becomes;
    for (size_t j = stretches[i].first; j < stretches[i].second; ++j) becomes += to[j];
    labels.push_back(label_for(from[i], becomes));
  }
  return labels;
}

}  // namespace

std::vector<std::string> find_edit_labels(std::string_view written, std::string_view meant) {
  const std::vector<std::string_view> characters = split_characters(written);
  std::string typed;
  const std::vector<bool> wrong = mark_wrong_language(characters, meant, typed);
  if (std::find(wrong.begin(), wrong.end(), true) == wrong.end())
    return aligned_labels(written, meant);
  // Labels of the text as it should have been typed; the letters get $HANGUL.
  const std::vector<std::string> inner = aligned_labels(typed, meant);
  std::vector<std::string> labels;
  size_t at = 0;
  for (size_t i = 0; i < characters.size();) {
    if (!wrong[i]) {
      labels.push_back(inner[at++]);
      ++i;
      continue;
    }
    std::string keys;
    while (i < characters.size() && wrong[i]) {
      keys += characters[i++];
      labels.emplace_back(kHangul);
    }
    at += split_characters(type_hangul(keys)).size();
  }
  return labels;
}

std::string apply_edit_label(std::string_view character, std::string_view label) {
  std::string before;
  if (label.starts_with(kSpace)) {
    before = " ";
    label.remove_prefix(kSpace.size());
  }
  if (label == kDelete) return "";
  if (label.starts_with(kReplace)) return before + std::string(label.substr(kReplace.size()));
  const bool jamo_label = label.size() >= 3 && label[0] == '$' && label[2] == '_';
  if (!jamo_label) return before + std::string(character);
  Jamo jamo = jamo_of(code_of(character));
  const std::string_view part = label.substr(3);
  const auto c = static_cast<char32_t>(code_of(part));
  const auto place = [&](std::u32string_view all) { return static_cast<uint32_t>(all.find(c)); };
  if (label[1] == 'I') jamo.initial = place(kInitialJamo);
  if (label[1] == 'V') jamo.vowel = place(kVowelJamo);
  if (label[1] == 'F') jamo.last = part.empty() ? 0 : place(kFinalJamo) + 1;
  if (jamo.initial >= kInitialJamo.size() || jamo.vowel >= kVowels || jamo.last >= kFinals)
    return before + std::string(character);
  return before + utf8(compose(jamo));
}

std::string apply_edit_labels(std::string_view text, const std::vector<std::string_view>& labels) {
  const std::vector<std::string_view> characters = split_characters(text);
  ONMAL_ASSERT(characters.size() == labels.size());
  std::string result;
  for (size_t i = 0; i < characters.size();) {
    size_t end = i;
    size_t votes = 0;
    std::string keys;
    while (end < characters.size() && is_latin(code_of(characters[end]))) {
      votes += labels[end] == kHangul;
      keys += characters[end++];
    }
    if (votes * 2 > keys.size() && is_all_syllables(type_hangul(keys))) {
      result += type_hangul(keys);
      i = end;
      continue;
    }
    end = std::max(end, i + 1);
    for (; i < end; ++i)
      result += labels[i] == kHangul ? std::string(characters[i])
                                     : apply_edit_label(characters[i], labels[i]);
  }
  return result;
}

bool is_edit_label(std::string_view label) {
  if (label == kKeepLabel || label == kDelete || label == kHangul || label == kSpace) return true;
  if (label.starts_with(kSpace)) label.remove_prefix(kSpace.size());
  if (label.starts_with(kReplace)) return label.size() > kReplace.size();
  const auto one_of = [&](std::u32string_view all) {
    const std::string_view part = label.substr(3);
    return split_characters(part).size() == 1 &&
           all.find(static_cast<char32_t>(code_of(part))) != std::u32string_view::npos;
  };
  if (label.starts_with("$I_")) return one_of(kInitialJamo);
  if (label.starts_with("$V_")) return one_of(kVowelJamo);
  return label.starts_with("$F_") && (label.size() == 3 || one_of(kFinalJamo));
}

std::vector<std::string> basic_edit_labels() {
  std::vector<std::string> labels = {std::string(kKeepLabel), std::string(kDelete),
                                     std::string(kSpace), std::string(kHangul), "$F_"};
  for (const char32_t c : kInitialJamo) labels.push_back("$I_" + utf8(c));
  for (const char32_t c : kVowelJamo) labels.push_back("$V_" + utf8(c));
  for (const char32_t c : kFinalJamo) labels.push_back("$F_" + utf8(c));
  return labels;
}

}  // namespace onmal
