#include "corpus/hangul_noise.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "text/hangul.h"
#include "text/hangul_keyboard.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

struct Kind {
  Mistake mistake;
  const char* name;
  unsigned weight;  // how often it happens, by a writer's experience, not measured
};

constexpr std::array<Kind, kMistakeKinds> kKinds = {{{Mistake::kNeighbourKey, "neighbour_key", 14},
                                                     {Mistake::kMissingKey, "missing_key", 9},
                                                     {Mistake::kDoubledKey, "doubled_key", 6},
                                                     {Mistake::kSwappedKeys, "swapped_keys", 8},
                                                     {Mistake::kShift, "shift", 7},
                                                     {Mistake::kVowel, "vowel", 9},
                                                     {Mistake::kConfusedForm, "confused_form", 18},
                                                     {Mistake::kSound, "sound", 8},
                                                     {Mistake::kMissingSpace, "missing_space", 13},
                                                     {Mistake::kExtraSpace, "extra_space", 6},
                                                     {Mistake::kLatinLetters, "latin_letters", 2}}};

// Forms that are taken for each other; each stands for the other.
constexpr std::pair<std::string_view, std::string_view> kForms[] = {
    {"되", "돼"},         {"않", "안"},         {"로서", "로써"},     {"게요", "께요"},
    {"거야", "꺼야"},     {"거예요", "꺼예요"}, {"예요", "에요"},     {"이에요", "이예요"},
    {"던지", "든지"},     {"어떻게", "어떡해"}, {"왠지", "웬지"},     {"웬만", "왠만"},
    {"며칠", "몇일"},     {"금세", "금새"},     {"오랜만", "오랫만"}, {"낫", "낳"},
    {"뵈", "봬"},         {"굳이", "구지"},     {"일부러", "일부로"}, {"설렘", "설레임"},
    {"희한", "희안"},     {"역할", "역활"},     {"맞히", "맞추"},     {"가르치", "가리키"},
    {"부딪히", "부딪치"}, {"다르", "틀리"},     {"바라", "바래"},     {"건드리", "건들이"},
    {"통째", "통채"},     {"요새", "요세"},     {"베개", "배게"},     {"찌개", "찌게"},
    {"설거지", "설겆이"}, {"깨끗이", "깨끗히"}, {"곰곰이", "곰곰히"}, {"나중에", "나중애"},
    {"무릅쓰", "무릎쓰"}, {"대가", "댓가"},     {"개수", "갯수"},     {"데요", "대요"}};
// Only at the end of a word: particles.
constexpr std::pair<std::string_view, std::string_view> kEndings[] = {
    {"에", "의"}, {"의", "에"}, {"을", "를"}, {"데", "대"}, {"대", "데"}, {"게", "께"}};

struct Piece {
  size_t begin;  // bytes
  size_t end;
};

std::vector<Piece> characters(std::string_view text) {
  std::vector<Piece> out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = read_utf8(text, i).length;
    out.push_back({i, i + length});
    i += length;
  }
  return out;
}

using Result = std::optional<std::string>;  // the changed word; none: no place for it here

// The keys of a stretch of syllables, changed by `change(keys)` (false: impossible), typed anew.
template <typename Change>
Result change_keys(std::string_view word, const Change& change) {
  std::string keys;
  size_t begin = std::string_view::npos;
  size_t end = 0;
  for (const Piece& c : characters(word)) {
    const bool hangul = is_hangul_syllable(read_utf8(word, c.begin).code);
    if (hangul && begin == std::string_view::npos) begin = c.begin;
    if (begin != std::string_view::npos && !hangul) break;
    if (hangul) end = c.end;
  }
  if (begin == std::string_view::npos) return std::nullopt;
  keys = hangul_keys(word.substr(begin, end - begin));
  if (!change(keys)) return std::nullopt;
  return std::string(word.substr(0, begin)) + type_hangul(keys) + std::string(word.substr(end));
}

Result slip(std::string_view word, Mistake mistake, Rng& rng) {
  return change_keys(word, [&](std::string& keys) {
    const auto at = static_cast<size_t>(rng.below(keys.size()));
    const std::string_view near = neighbouring_keys(keys[at]);
    constexpr std::string_view kPairs = "qQwWeErRtToOpP";
    const size_t pair = kPairs.find(keys[at]);
    switch (mistake) {
      case Mistake::kNeighbourKey:
        if (near.empty()) return false;
        keys[at] = near[static_cast<size_t>(rng.below(near.size()))];
        return true;
      case Mistake::kMissingKey:
        keys.erase(at, 1);
        return keys.size() > 0;
      case Mistake::kDoubledKey:
        keys.insert(at, 1, keys[at]);
        return true;
      case Mistake::kSwappedKeys:
        if (at + 1 == keys.size() || keys[at] == keys[at + 1]) return false;
        std::swap(keys[at], keys[at + 1]);
        return true;
      default:  // shift
        if (pair == std::string_view::npos) return false;
        keys[at] = kPairs[pair ^ 1];
        return true;
    }
  });
}

Result replace_at(std::string_view word, size_t at, size_t length, std::string_view by) {
  std::string out(word);
  out.replace(at, length, by);
  return out;
}

Result confuse(std::string_view word, Rng& rng) {
  std::vector<std::pair<size_t, std::pair<std::string_view, std::string_view>>> places;
  for (const auto& [a, b] : kForms) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      const size_t at = word.find(from);
      if (at != std::string_view::npos) places.push_back({at, {from, to}});
    }
  }
  for (const auto& [from, to] : kEndings) {
    if (word.size() > from.size() && word.ends_with(from))
      places.push_back({word.size() - from.size(), {from, to}});
  }
  if (places.empty()) return std::nullopt;
  const auto& [at, forms] = places[static_cast<size_t>(rng.below(places.size()))];
  return replace_at(word, at, forms.first.size(), forms.second);
}

constexpr uint32_t kFirst = 0xAC00;
constexpr uint32_t kSilent = 11;  // ㅇ as an initial

// ㅐ and ㅔ, ㅚ, ㅙ and ㅞ sound alike.
Result mistake_vowel(std::string_view word, Rng& rng) {
  constexpr std::array<std::pair<uint32_t, uint32_t>, 6> kAlike = {
      {{1, 5}, {5, 1}, {11, 10}, {10, 11}, {15, 10}, {3, 7}}};
  std::vector<std::pair<Piece, uint32_t>> places;
  for (const Piece& c : characters(word)) {
    const uint32_t code = read_utf8(word, c.begin).code;
    if (!is_hangul_syllable(code)) continue;
    const uint32_t vowel = (code - kFirst) / 28 % 21;
    for (const auto& [from, to] : kAlike) {
      if (vowel == from) places.emplace_back(c, code + (to - from) * 28);
    }
  }
  if (places.empty()) return std::nullopt;
  const auto& [place, code] = places[static_cast<size_t>(rng.below(places.size()))];
  std::string syllable;
  append_utf8(code, syllable);
  return replace_at(word, place.begin, place.end - place.begin, syllable);
}

// A final consonant goes over to a syllable that begins with a vowel; ㅎ is lost there.
Result write_as_spoken(std::string_view word, Rng& rng) {
  // Initials that single finals become; 255: clusters and ㅇ stay.
  constexpr std::array<uint32_t, 28> kCarried = {
      255, 0,   1, 255, 2,   255, 255, 3,   5,  255, 255, 255, 255, 255,
      255, 255, 6, 7,   255, 9,   10,  255, 12, 14,  15,  16,  17,  kSilent};
  const std::vector<Piece> all = characters(word);
  std::vector<std::pair<size_t, std::string>> places;
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    const uint32_t a = read_utf8(word, all[i].begin).code;
    const uint32_t b = read_utf8(word, all[i + 1].begin).code;
    if (!is_hangul_syllable(a) || !is_hangul_syllable(b)) continue;
    const uint32_t carried = kCarried[(a - kFirst) % 28];
    if (carried == 255 || (b - kFirst) / (21 * 28) != kSilent) continue;
    std::string changed;
    append_utf8(a - (a - kFirst) % 28, changed);
    append_utf8(b + (carried - kSilent) * 21 * 28, changed);
    places.emplace_back(i, std::move(changed));
  }
  if (places.empty()) return std::nullopt;
  const auto& [i, changed] = places[static_cast<size_t>(rng.below(places.size()))];
  return replace_at(word, all[i].begin, all[i + 1].end - all[i].begin, changed);
}

Result part_word(std::string_view word, Rng& rng) {
  const std::vector<Piece> all = characters(word);
  if (all.size() < 2) return std::nullopt;
  const auto at = 1 + static_cast<size_t>(rng.below(all.size() - 1));
  return replace_at(word, all[at].begin, 0, " ");
}

Result make_mistake(std::string_view word, Mistake mistake, Rng& rng) {
  switch (mistake) {
    case Mistake::kConfusedForm:
      return confuse(word, rng);
    case Mistake::kVowel:
      return mistake_vowel(word, rng);
    case Mistake::kSound:
      return write_as_spoken(word, rng);
    case Mistake::kExtraSpace:
      return part_word(word, rng);
    case Mistake::kLatinLetters:
      return hangul_keys(word);
    default:
      return slip(word, mistake, rng);
  }
}

const Kind& draw_kind(Rng& rng) {
  unsigned total = 0;
  for (const Kind& kind : kKinds) total += kind.weight;
  auto drawn = static_cast<unsigned>(rng.below(total));
  for (const Kind& kind : kKinds) {
    if (drawn < kind.weight) return kind;
    drawn -= kind.weight;
  }
  return kKinds[0];
}

bool has_hangul(std::string_view word) { return count_hangul_syllables(word) > 0; }

// The change without what both have at the beginning and the end, on whole characters.
NoiseChange narrow(Mistake mistake, std::string_view clean, std::string_view noisy,
                   size_t clean_begin, size_t noisy_begin) {
  const std::vector<Piece> a = characters(clean);
  const std::vector<Piece> b = characters(noisy);
  const auto text = [](std::string_view whole, const Piece& c) {
    return whole.substr(c.begin, c.end - c.begin);
  };
  size_t front = 0;
  while (front < std::min(a.size(), b.size()) && text(clean, a[front]) == text(noisy, b[front]))
    ++front;
  size_t back = 0;
  while (back < std::min(a.size(), b.size()) - front &&
         text(clean, a[a.size() - 1 - back]) == text(noisy, b[b.size() - 1 - back]))
    ++back;
  const auto place = [](const std::vector<Piece>& all, size_t index, size_t size) {
    return index < all.size() ? all[index].begin : size;
  };
  return {mistake, clean_begin + place(a, front, clean.size()),
          clean_begin + place(a, a.size() - back, clean.size()),
          noisy_begin + place(b, front, noisy.size()),
          noisy_begin + place(b, b.size() - back, noisy.size())};
}

// One word, perhaps changed; `space_follows` allows a missing space, told by dropping it.
struct WordChange {
  std::string text;
  std::optional<Mistake> mistake;
  bool drops_space = false;
};

WordChange change_word(std::string_view word, bool space_follows, const NoiseOptions& options,
                       Rng& rng) {
  WordChange out = {std::string(word), std::nullopt, false};
  if (!has_hangul(word) || rng.uniform() >= options.rate) return out;
  constexpr int kTries = 6;
  for (int i = 0; i < kTries; ++i) {
    const Kind& kind = draw_kind(rng);
    if (kind.mistake == Mistake::kMissingSpace) {
      if (!space_follows) continue;
      out.mistake = kind.mistake;
      out.drops_space = true;
      return out;
    }
    Result changed = make_mistake(word, kind.mistake, rng);
    if (!changed || *changed == word) continue;
    out.text = std::move(*changed);
    out.mistake = kind.mistake;
    return out;
  }
  return out;
}

}  // namespace

std::string_view mistake_name(Mistake mistake) {
  for (const Kind& kind : kKinds) {
    if (kind.mistake == mistake) return kind.name;
  }
  return "unknown";
}

NoisyText add_noise(std::string_view clean, const NoiseOptions& options, Rng& rng) {
  if (!(options.rate >= 0 && options.rate <= 1))
    throw Error(ErrorCode::kInvalidArgument, "noise", "a rate outside 0 to 1");
  NoisyText out;
  for (size_t begin = 0; begin < clean.size();) {
    const bool space = clean[begin] == ' ' || clean[begin] == '\n' || clean[begin] == '\t';
    if (space) {
      out.text += clean[begin++];
      continue;
    }
    const size_t end = std::min(clean.find_first_of(" \n\t", begin), clean.size());
    const bool space_follows =
        end + 1 < clean.size() && clean[end] == ' ' &&
        std::string_view(" \n\t").find(clean[end + 1]) == std::string_view::npos;
    const std::string_view word = clean.substr(begin, end - begin);
    const WordChange change = change_word(word, space_follows, options, rng);
    const size_t noisy_begin = out.text.size();
    out.text += change.text;
    if (change.drops_space) {
      out.changes.push_back({*change.mistake, end, end + 1, out.text.size(), out.text.size()});
      begin = end + 1;
      continue;
    }
    if (change.mistake)
      out.changes.push_back(narrow(*change.mistake, word, change.text, begin, noisy_begin));
    begin = end;
  }
  return out;
}

}  // namespace onmal
