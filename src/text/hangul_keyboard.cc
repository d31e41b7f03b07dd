#include "text/hangul_keyboard.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "text/fold/jamo.h"
#include "text/hangul.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::array<std::string_view, 19> kInitialKeys = {
    "r", "R", "s", "e", "E", "f", "a", "q", "Q", "t", "T", "d", "w", "W", "c", "z", "x", "v", "g"};
constexpr std::array<std::string_view, 21> kMedialKeys = {"k",  "o",  "i",  "O",  "j",  "p",  "u",
                                                          "P",  "h",  "hk", "ho", "hl", "y",  "n",
                                                          "nj", "np", "nl", "b",  "m",  "ml", "l"};
constexpr std::array<std::string_view, 28> kFinalKeys = {
    "",   "r",  "R", "rt", "s",  "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx",
    "fv", "fg", "a", "q",  "qt", "t",  "T",  "d", "w", "c",  "z",  "x",  "v",  "g"};
// U+3131 to U+314E: consonants and their clusters; vowels follow in the order of kMedialKeys.
constexpr std::array<std::string_view, 30> kConsonants = {
    "r",  "R", "rt", "s", "sw", "sg", "e", "E", "f", "fr", "fa", "fq", "ft", "fx", "fv",
    "fg", "a", "q",  "Q", "qt", "t",  "T", "d", "w", "W",  "c",  "z",  "x",  "v",  "g"};
constexpr uint32_t kFirstConsonant = 0x3131;
constexpr uint32_t kFirstVowel = 0x314F;

std::optional<uint32_t> index_of(std::span<const std::string_view> table, std::string_view keys) {
  const auto found = std::find(table.begin(), table.end(), keys);
  if (found == table.end()) return std::nullopt;
  return static_cast<uint32_t>(found - table.begin());
}

// One syllable in the making, as an input method holds it.
class KeyComposer {
 public:
  void type_consonant(char key) {
    const std::string one(1, key);
    if (medial_.empty()) {
      if (!initial_.empty()) flush();
      initial_ = one;
      return;
    }
    if (!initial_.empty() && index_of(kFinalKeys, final_ + one)) {
      final_ += one;
      return;
    }
    flush();
    initial_ = one;
  }

  void type_vowel(char key) {
    const std::string one(1, key);
    if (!final_.empty()) {
      // The last consonant was this syllable's beginning.
      const std::string moved(1, final_.back());
      final_.pop_back();
      flush();
      initial_ = moved;
      medial_ = one;
    } else if (index_of(kMedialKeys, medial_ + one)) {
      medial_ += one;
    } else {
      flush();
      medial_ = one;
    }
  }

  void flush() {
    const std::optional<uint32_t> initial = index_of(kInitialKeys, initial_);
    const std::optional<uint32_t> medial = index_of(kMedialKeys, medial_);
    if (initial && medial) {
      append_utf8(
          kFirstHangulSyllable + (*initial * 21 + *medial) * 28 + *index_of(kFinalKeys, final_),
          out_);
    } else if (initial) {
      append_utf8(kFirstConsonant + *index_of(kConsonants, initial_), out_);
    } else if (medial) {
      append_utf8(kFirstVowel + *medial, out_);
    }
    initial_.clear();
    medial_.clear();
    final_.clear();
  }

  std::string& out() { return out_; }

 private:
  std::string initial_, medial_, final_, out_;
};

// Capitals that have no second meaning type what the small letter does.
char plain_key(char key) {
  const bool capital = key >= 'A' && key <= 'Z';
  constexpr std::string_view kShifted = "QWERTOP";
  return capital && kShifted.find(key) == std::string_view::npos ? static_cast<char>(key + 32)
                                                                 : key;
}

}  // namespace

std::string hangul_keys(uint32_t code) {
  if (is_hangul_syllable(code)) {
    const uint32_t index = code - kFirstHangulSyllable;
    std::string keys(kInitialKeys[index / (21 * 28)]);
    keys += kMedialKeys[index / 28 % 21];
    keys += kFinalKeys[index % 28];
    return keys;
  }
  if (code >= kFirstConsonant && code < kFirstVowel)
    return std::string(kConsonants[code - kFirstConsonant]);
  if (code >= kFirstVowel && code < kFirstVowel + kMedialKeys.size())
    return std::string(kMedialKeys[code - kFirstVowel]);
  return "";
}

std::string hangul_keys(std::string_view text) {
  std::string keys;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    const std::string typed = c.valid ? hangul_keys(c.code) : "";
    keys += typed.empty() ? std::string(text.substr(i, c.length)) : typed;
    i += c.length;
  }
  return keys;
}

std::string type_hangul(std::string_view keys) {
  KeyComposer composer;
  for (const char raw : keys) {
    const char key = plain_key(raw);
    const std::string_view one(&key, 1);
    if (index_of(kInitialKeys, one)) {
      composer.type_consonant(key);
    } else if (index_of(kMedialKeys, one)) {
      composer.type_vowel(key);
    } else {
      composer.flush();
      composer.out() += raw;
    }
  }
  composer.flush();
  return composer.out();
}

std::string_view neighbouring_keys(char key) {
  struct Row {
    char key;
    std::string_view near;
  };
  static constexpr std::array<Row, 26> kRows = {
      {{'q', "wa"},     {'w', "qeas"},   {'e', "wrsd"},   {'r', "etdf"},   {'t', "ryfg"},
       {'y', "tugh"},   {'u', "yihj"},   {'i', "uojk"},   {'o', "ipkl"},   {'p', "ol"},
       {'a', "qwsz"},   {'s', "awedzx"}, {'d', "serfxc"}, {'f', "drtgcv"}, {'g', "ftyhvb"},
       {'h', "gyujbn"}, {'j', "huiknm"}, {'k', "jiolm"},  {'l', "kop"},    {'z', "asx"},
       {'x', "zsdc"},   {'c', "xdfv"},   {'v', "cfgb"},   {'b', "vghn"},   {'n', "bhjm"},
       {'m', "njk"}}};
  static constexpr std::array<Row, 7> kShifted = {
      {{'Q', "W"}, {'W', "QE"}, {'E', "WR"}, {'R', "ET"}, {'T', "R"}, {'O', "P"}, {'P', "O"}}};
  for (const Row& row : kRows) {
    if (row.key == key) return row.near;
  }
  for (const Row& row : kShifted) {
    if (row.key == key) return row.near;
  }
  return {};
}

}  // namespace onmal
