#include "text/korean_stem.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "text/fold/jamo.h"

namespace onmal {
namespace {

using Word = std::u32string_view;

enum class Final : uint8_t { kAny, kConsonant, kVowel, kVowelOrRieul };

struct Suffix {
  Word text;
  Final after = Final::kAny;  // what the syllable before it ends in
};

constexpr uint32_t kNieun = 4, kRieul = 8, kBieup = 17, kSsangSiot = 20;

uint32_t final_of(char32_t syllable) { return (syllable - kFirstHangulSyllable) % 28; }
uint32_t vowel_of(char32_t syllable) { return (syllable - kFirstHangulSyllable) / 28 % 21; }
char32_t without_final(char32_t syllable) { return syllable - final_of(syllable); }

bool fits(Final after, char32_t before) {
  const uint32_t final = final_of(before);
  switch (after) {
    case Final::kAny:
      return true;
    case Final::kConsonant:
      return final != 0;
    case Final::kVowel:
      return final == 0;
    case Final::kVowelOrRieul:
      return final == 0 || final == kRieul;
  }
  return false;
}

// Particles that end a chain or stand alone. Longer ones are tried first.
constexpr std::array kParticles = {
    Suffix{U"은", Final::kConsonant},
    Suffix{U"는", Final::kVowel},
    Suffix{U"이", Final::kConsonant},
    Suffix{U"가", Final::kVowel},
    Suffix{U"을", Final::kConsonant},
    Suffix{U"를", Final::kVowel},
    Suffix{U"과", Final::kConsonant},
    Suffix{U"와", Final::kVowel},
    Suffix{U"으로", Final::kConsonant},
    Suffix{U"로", Final::kVowelOrRieul},
    Suffix{U"으로써", Final::kConsonant},
    Suffix{U"로써", Final::kVowelOrRieul},
    Suffix{U"으로서", Final::kConsonant},
    Suffix{U"로서", Final::kVowelOrRieul},
    Suffix{U"이나", Final::kConsonant},
    Suffix{U"나", Final::kVowel},
    Suffix{U"이라도", Final::kConsonant},
    Suffix{U"라도", Final::kVowel},
    Suffix{U"이랑", Final::kConsonant},
    Suffix{U"랑", Final::kVowel},
    Suffix{U"이며", Final::kConsonant},
    Suffix{U"의"},
    Suffix{U"에"},
    Suffix{U"에서"},
    Suffix{U"에게"},
    Suffix{U"에게서"},
    Suffix{U"께"},
    Suffix{U"께서"},
    Suffix{U"한테"},
    Suffix{U"한테서"},
    Suffix{U"더러"},
    Suffix{U"도"},
    Suffix{U"만"},
    Suffix{U"까지"},
    Suffix{U"부터"},
    Suffix{U"마저"},
    Suffix{U"조차"},
    Suffix{U"밖에"},
    Suffix{U"처럼"},
    Suffix{U"만큼"},
    Suffix{U"보다"},
    Suffix{U"마다"},
    Suffix{U"대로"},
    Suffix{U"뿐"},
    Suffix{U"하고"},
    Suffix{U"커녕"},
    Suffix{U"이란", Final::kConsonant},
    Suffix{U"란", Final::kVowel},
    Suffix{U"이든", Final::kConsonant},
    Suffix{U"든", Final::kVowel},
    Suffix{U"이야", Final::kConsonant},
    Suffix{U"이여", Final::kConsonant},
};

// The copula and its endings behind a noun.
constexpr std::array kCopula = {
    Suffix{U"이다"},
    Suffix{U"입니다"},
    Suffix{U"입니까"},
    Suffix{U"이었다"},
    Suffix{U"였다", Final::kVowel},
    Suffix{U"이었습니다"},
    Suffix{U"였습니다", Final::kVowel},
    Suffix{U"이고"},
    Suffix{U"이며"},
    Suffix{U"이지만"},
    Suffix{U"이지"},
    Suffix{U"이라"},
    Suffix{U"이라고"},
    Suffix{U"라고", Final::kVowel},
    Suffix{U"이라는"},
    Suffix{U"라는", Final::kVowel},
    Suffix{U"이라면"},
    Suffix{U"라면", Final::kVowel},
    Suffix{U"인"},
    Suffix{U"인데"},
    Suffix{U"인지"},
    Suffix{U"인가"},
    Suffix{U"인가요"},
    Suffix{U"이었던"},
    Suffix{U"였던", Final::kVowel},
    Suffix{U"이었으며"},
    Suffix{U"였으며", Final::kVowel},
    Suffix{U"이었고"},
    Suffix{U"였고", Final::kVowel},
    Suffix{U"이에요"},
    Suffix{U"예요", Final::kVowel},
    Suffix{U"이므로"},
    Suffix{U"이기"},
    Suffix{U"이자"},
    Suffix{U"이었지만"},
    Suffix{U"일까"},
    Suffix{U"이면"},
    Suffix{U"이나마"},
    Suffix{U"이니"},
    Suffix{U"이어서"},
    Suffix{U"이거나"},
};

// Endings of verbs and adjectives, from the syllable on that no longer belongs to the stem.
constexpr std::array kEndings = {
    Suffix{U"다"},
    Suffix{U"고"},
    Suffix{U"지"},
    Suffix{U"면"},
    Suffix{U"며"},
    Suffix{U"니"},
    Suffix{U"게"},
    Suffix{U"는"},
    Suffix{U"던"},
    Suffix{U"기"},
    Suffix{U"자"},
    Suffix{U"네"},
    Suffix{U"죠"},
    Suffix{U"나"},
    Suffix{U"은", Final::kConsonant},
    Suffix{U"을", Final::kConsonant},
    Suffix{U"음", Final::kConsonant},
    Suffix{U"는다"},
    Suffix{U"습니다"},
    Suffix{U"습니까"},
    Suffix{U"니다"},
    Suffix{U"니까"},
    Suffix{U"었다"},
    Suffix{U"았다"},
    Suffix{U"였다"},
    Suffix{U"었습니다"},
    Suffix{U"았습니다"},
    Suffix{U"였습니다"},
    Suffix{U"었고"},
    Suffix{U"았고"},
    Suffix{U"였고"},
    Suffix{U"었으며"},
    Suffix{U"았으며"},
    Suffix{U"였으며"},
    Suffix{U"었던"},
    Suffix{U"았던"},
    Suffix{U"였던"},
    Suffix{U"었지만"},
    Suffix{U"았지만"},
    Suffix{U"였지만"},
    Suffix{U"었는데"},
    Suffix{U"았는데"},
    Suffix{U"었을"},
    Suffix{U"았을"},
    Suffix{U"었기"},
    Suffix{U"았기"},
    Suffix{U"으며"},
    Suffix{U"으면"},
    Suffix{U"으니"},
    Suffix{U"으므로"},
    Suffix{U"므로"},
    Suffix{U"지만"},
    Suffix{U"는데"},
    Suffix{U"은데"},
    Suffix{U"면서"},
    Suffix{U"으면서"},
    Suffix{U"려고"},
    Suffix{U"으려고"},
    Suffix{U"려면"},
    Suffix{U"도록"},
    Suffix{U"거나"},
    Suffix{U"든지"},
    Suffix{U"아서"},
    Suffix{U"어서"},
    Suffix{U"여서"},
    Suffix{U"아야"},
    Suffix{U"어야"},
    Suffix{U"아도"},
    Suffix{U"어도"},
    Suffix{U"아"},
    Suffix{U"어"},
    Suffix{U"여"},
    Suffix{U"아요"},
    Suffix{U"어요"},
    Suffix{U"세요"},
    Suffix{U"으세요"},
    Suffix{U"지요"},
    Suffix{U"나요"},
    Suffix{U"는가"},
    Suffix{U"은가"},
    Suffix{U"는지"},
    Suffix{U"은지"},
    Suffix{U"을까"},
    Suffix{U"을지"},
    Suffix{U"는다고"},
    Suffix{U"다고"},
    Suffix{U"다는"},
    Suffix{U"다면"},
    Suffix{U"으나"},
    Suffix{U"었으나"},
    Suffix{U"았으나"},
    Suffix{U"였으나"},
    Suffix{U"기에"},
    Suffix{U"기는"},
    Suffix{U"기도"},
    Suffix{U"기를"},
    Suffix{U"지는"},
    Suffix{U"지도"},
    Suffix{U"는가요"},
    Suffix{U"을까요"},
    Suffix{U"까"},
    Suffix{U"까요"},
};

// Syllables that 하다 and 되다 take before their endings.
constexpr Word kDoSyllables = U"하한할함합해했되된될됨됩돼됐";
// What may follow them; a tail of these and nothing else is an ending.
constexpr Word kTailSyllables =
    U"다는고며여면니까습었였던지서도요게기려러자라네죠음을를은이가에의로만와과데시어야므으나거든록"
    U"세수록";

bool ends_with(Word word, Word suffix) {
  if (word.size() <= suffix.size()) return false;
  const char32_t* end = word.data() + word.size() - suffix.size();
  for (size_t i = suffix.size(); i-- > 0;) {
    if (end[i] != suffix[i]) return false;
  }
  return true;
}

// Suffixes in buckets by their last syllable, so that a word meets few of them.
template <size_t kCount>
class SuffixTable {
 public:
  constexpr explicit SuffixTable(std::array<Suffix, kCount> suffixes) : suffixes_(suffixes) {
    std::sort(suffixes_.begin(), suffixes_.end(), [](const Suffix& a, const Suffix& b) {
      return bucket(a.text.back()) < bucket(b.text.back());
    });
    for (const Suffix& suffix : suffixes_) ++ends_[bucket(suffix.text.back())];
    for (size_t i = 1; i < kBuckets; ++i) ends_[i] = static_cast<uint8_t>(ends_[i] + ends_[i - 1]);
  }

  constexpr std::span<const Suffix> that_end_in(char32_t last) const {
    const size_t at = bucket(last), begin = at == 0 ? 0 : ends_[at - 1];
    return std::span(suffixes_).subspan(begin, ends_[at] - begin);
  }

 private:
  static constexpr size_t kBuckets = 128;
  static constexpr size_t bucket(char32_t last) { return last % kBuckets; }
  static_assert(kCount <= UINT8_MAX);
  std::array<Suffix, kCount> suffixes_;
  std::array<uint8_t, kBuckets> ends_{};
};

constexpr SuffixTable kParticleTable(kParticles);
constexpr SuffixTable kCopulaTable(kCopula);
constexpr SuffixTable kEndingTable(kEndings);

// A set of composed syllables, a bit each.
class SyllableSet {
 public:
  constexpr explicit SyllableSet(Word syllables) {
    for (const char32_t syllable : syllables) {
      const size_t at = syllable - kFirstHangulSyllable;
      bits_[at / 64] |= uint64_t{1} << (at % 64);
    }
  }
  bool contains(char32_t syllable) const {
    const size_t at = syllable - kFirstHangulSyllable;
    return (bits_[at / 64] >> (at % 64) & 1) != 0;
  }

 private:
  std::array<uint64_t, 11172 / 64 + 1> bits_{};
};

constexpr SyllableSet kDoSet(kDoSyllables);
constexpr SyllableSet kTailSet(kTailSyllables);

// The length without the longest suffix of the list that fits; the whole length when none does.
template <size_t kCount>
size_t strip_longest(Word word, const SuffixTable<kCount>& suffixes, size_t least) {
  size_t best = word.size();
  for (const Suffix& suffix : suffixes.that_end_in(word.back())) {
    if (!ends_with(word, suffix.text)) continue;
    const size_t rest = word.size() - suffix.text.size();
    if (rest < least || rest >= best || !fits(suffix.after, word[rest - 1])) continue;
    best = rest;
  }
  return best;
}

// Particles come in chains (에서 + 는, 까지 + 도): strips at most three.
size_t strip_particles(Word word) {
  size_t length = word.size();
  for (int chain = 0; chain < 3; ++chain) {
    const size_t rest = strip_longest(word.substr(0, length), kParticleTable, 1);
    // One syllable is left of one: only the commonest ones are particles there.
    const bool doubtful =
        rest == 1 && length - rest == 1 && Word(U"은는이가을를와에").find(word[1]) == Word::npos;
    if (rest == length || doubtful) break;
    length = rest;
  }
  if (length > 2 && word[length - 1] == U'들') --length;
  return length;
}

// The length of the noun before 하다 or 되다 and its ending; 0 when there is none.
size_t noun_before_do(Word word) {
  for (size_t at = word.size() - 1; at >= 2; --at) {
    if (kDoSet.contains(word[at])) {
      // 하 and 되 need an ending; the others carry one.
      const bool bare =
          word[at] == U'하' || word[at] == U'되' || word[at] == U'합' || word[at] == U'됩';
      return bare && at + 1 == word.size() ? 0 : at;
    }
    if (!kTailSet.contains(word[at])) return 0;
  }
  return 0;
}

// What is left of a verb when its ending is off: the past tense's ㅆ and the like go, contracted
// vowels part again.
std::u32string open_stem(Word stem) {
  std::u32string open(stem);
  char32_t& last = open.back();
  const uint32_t final = final_of(last);
  if (final == kSsangSiot) {
    last = without_final(last);
    constexpr uint32_t kYeo = 6, kWa = 9, kOe = 11, kWae = 10, kWo = 14, kO = 8, kU = 13, kI = 20,
                       kA = 0;
    const auto with_vowel = [&](uint32_t vowel) { return last + (vowel - vowel_of(last)) * 28; };
    const uint32_t vowel = vowel_of(last);
    if (last == U'해')
      last = with_vowel(kA);
    else if (vowel == kYeo)
      last = with_vowel(kI);
    else if (vowel == kWa)
      last = with_vowel(kO);
    else if (vowel == kWo)
      last = with_vowel(kU);
    else if (vowel == kWae)
      last = with_vowel(kOe);
  } else if (final == kBieup || final == kNieun) {
    // 갑 + 니다, 간 + 다
    last = without_final(last);
  }
  return open;
}

std::u32string predicate_of(Word word) {
  // 아/었 and the like need a stem of one syllable at least, short endings one of two.
  size_t length = strip_longest(word, kEndingTable, 1);
  // Of two syllables one is left: a stem when it ends in a consonant (먹고), seldom otherwise
  // (바다).
  const bool doubtful = length == 1 && word.size() == 2 && final_of(word[0]) == 0;
  if (length == word.size() || doubtful) return std::u32string(word);
  const Word ending = word.substr(length);
  std::u32string stem(word.substr(0, length));
  const bool contracted = final_of(stem.back()) == kSsangSiot ||
                          (final_of(stem.back()) == kBieup && ending.starts_with(U"니")) ||
                          (final_of(stem.back()) == kNieun && ending == U"다");
  if (contracted) stem = open_stem(stem);
  return stem;
}

}  // namespace

KoreanStem stem_korean(std::u32string_view word) {
  KoreanStem result;
  result.noun = word;
  result.predicate = word;
  if (word.size() < 2) return result;
  if (const size_t noun = noun_before_do(word); noun >= 2) {
    result.noun = result.predicate = word.substr(0, noun);
    return result;
  }
  size_t length = strip_longest(word, kCopulaTable, 2);
  const bool copula = length < word.size();
  if (!copula) length = strip_particles(word);
  result.noun = word.substr(0, length);
  if (const size_t noun = length >= 3 ? noun_before_do(result.noun) : 0; noun >= 2)
    result.noun.resize(noun);
  result.predicate = copula ? result.noun : predicate_of(word);
  if (result.predicate.size() >= word.size() || result.noun.size() < result.predicate.size())
    result.predicate = result.noun;
  return result;
}

bool is_only_particles(std::u32string_view syllables) {
  for (const char32_t before : {U'가', U'각', U'갈'}) {
    const std::u32string word = std::u32string(1, before) + std::u32string(syllables);
    if (strip_longest(Word(word), kCopulaTable, 1) == 1) return true;
    size_t length = word.size();
    while (length > 1) {
      const size_t rest = strip_longest(Word(word).substr(0, length), kParticleTable, 1);
      if (rest == length) break;
      length = rest;
    }
    if (length == 1) return true;
  }
  return false;
}

}  // namespace onmal
