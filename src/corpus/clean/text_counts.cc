#include "corpus/clean/text_counts.h"

#include <algorithm>
#include <array>

#include "corpus/clean/function_words.h"
#include "corpus/quick_utf8.h"
#include "text/hangul.h"
#include "text/utf8_runs.h"

namespace onmal {
namespace {

// What an ASCII byte is to a word.
enum class ByteKind : uint8_t { kBlank, kLetter, kDigit, kPlainSign, kSymbol };

constexpr std::array<ByteKind, 128> byte_kinds() {
  std::array<ByteKind, 128> kinds = {};
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto c = static_cast<char>(i);
    kinds[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? ByteKind::kLetter
               : c >= '0' && c <= '9'                           ? ByteKind::kDigit
                                                                : ByteKind::kSymbol;
  }
  for (const char c : {'.', ',', '?', '!', '\'', '"', '(', ')', '-', ':', '~', ';', '/', '`'})
    kinds[static_cast<size_t>(c)] = ByteKind::kPlainSign;
  for (const char c : {' ', '\t', '\r'}) kinds[static_cast<size_t>(c)] = ByteKind::kBlank;
  return kinds;
}
constexpr std::array<ByteKind, 128> kByteKinds = byte_kinds();

// What a byte of UTF-8 behind the first looks like when read as Windows-1252.
bool is_misread_tail(uint32_t code) {
  return (code >= 0x80 && code <= 0xBF) || code == 0x20AC || code == 0x2122 ||
         (code >= 0x2013 && code <= 0x203A) || code == 0x152 || code == 0x153 || code == 0x160 ||
         code == 0x161 || code == 0x178 || code == 0x17D || code == 0x17E || code == 0x192 ||
         code == 0x2C6 || code == 0x2DC;
}

bool is_list_line(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return false;
  const std::string_view rest = line.substr(begin, 8);
  if (rest.size() >= 2 && rest[1] == ' ' && (rest[0] == '-' || rest[0] == '*' || rest[0] == '+'))
    return true;
  if (rest.starts_with("•") || rest.starts_with("·") || rest.starts_with("|")) return true;
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  return digits > 0 && digits <= 3 && digits + 1 < rest.size() &&
         (rest[digits] == '.' || rest[digits] == ')') && rest[digits + 1] == ' ';
}

class LineCounter {
 public:
  LineCounter(std::string_view line, size_t most_words, std::vector<TextWord>& words)
      : line_(line), most_words_(most_words), words_(words) {}

  TextCounts count() {
    for (size_t i = 0; i < line_.size();) {
      const auto byte = static_cast<uint8_t>(line_[i]);
      if (byte < 0x80) {
        const ByteKind kind = kByteKinds[byte];
        if (kind == ByteKind::kLetter) {
          i = add_letters(i);
        } else {
          add_ascii(byte, kind);
          ++i;
        }
      } else if (is_hangul_at(line_, i)) {
        i = add_hangul(i);
      } else {
        const Utf8Char c = read_character(line_, i);
        add_wide(c, i);
        i += c.length;
      }
    }
    end_word();
    return counts_;
  }

 private:
  // The letters from `begin` on; behind them.
  size_t add_letters(size_t begin) {
    size_t end = begin;
    do {
      add_to_word(static_cast<uint8_t>(line_[end]) | 0x20U, 1);
      ++end;
    } while (end < line_.size() && static_cast<uint8_t>(line_[end]) < 0x80 &&
             kByteKinds[static_cast<uint8_t>(line_[end])] == ByteKind::kLetter);
    counts_.characters += end - begin;
    counts_.latin += end - begin;
    counts_.letters += end - begin;
    last_sign_ = 0;
    high_ = 0;
    return end;
  }

  // The syllables from `begin` on; behind them.
  size_t add_hangul(size_t begin) {
    size_t end = begin;
    uint32_t last = last_;
    do {
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(line_[end + i]); };
      const uint32_t bytes = uint32_t{byte(0)} << 16 | uint32_t{byte(1)} << 8 | byte(2);
      add_to_word(bytes, 3);
      // 占쏙옙: U+FFFD twice in UTF-8, read as CP949.
      if (bytes == 0xEC8F99 && last == 0x5360) counts_.broken += 2;
      last = 0xAC00;  // any
      end += 3;
    } while (end < line_.size() && is_hangul_at(line_, end));
    const size_t count = (end - begin) / 3;
    counts_.characters += count;
    counts_.hangul += count;
    counts_.letters += count;
    last_ = last;
    high_ = 0;
    has_wide_ = true;
    return end;
  }

  // But letters.
  void add_ascii(uint8_t byte, ByteKind kind) {
    high_ = 0;
    if (kind == ByteKind::kBlank) return end_word();
    ++counts_.characters;
    if (kind == ByteKind::kDigit) {
      ++counts_.digits;
      return add_to_word(byte, 1);
    }
    // A run of one sign (**, =====) counts once.
    if (kind == ByteKind::kSymbol && byte != last_sign_) ++counts_.symbols;
    last_sign_ = byte;
  }

  void add_wide(const Utf8Char& c, size_t at) {
    if (!c.valid || c.code == 0xFFFD) {
      ++counts_.characters;
      ++counts_.broken;
      return;
    }
    if (c.code == 0xA0 || c.code == 0x3000 || c.code == 0x2028) {
      end_word();
      return;
    }
    ++counts_.characters;
    count_misread(c.code);
    for (uint32_t k = 0; k < c.length; ++k) add_to_word(static_cast<uint8_t>(line_[at + k]), 1);
    has_wide_ = true;
    if (is_hangul_syllable(c.code)) {
      ++counts_.hangul;
      ++counts_.letters;
    } else if (c.code >= 0x3131 && c.code <= 0x318E) {
      counts_.jamo += c.code == 0x318D ? 0 : 1;
    } else if ((c.code >= 0xC0 && c.code <= 0x2AF) || (c.code >= 0x370 && c.code <= 0x1FFF) ||
               (c.code >= 0x3040 && c.code <= 0xD7FF)) {
      ++counts_.letters;
    } else if ((c.code >= 0x2190 && c.code <= 0x2BFF) || (c.code >= 0xE000 && c.code <= 0xF8FF) ||
               c.code >= 0x1F000 || (c.code >= 0x2030 && c.code <= 0x218F)) {
      ++counts_.symbols;
    }
    last_ = c.code;
  }

  // A lead byte and a tail read as Latin letters (Ã©, â€™, ì•ˆ); four Latin-1 signs in a row
  // (CP949 read so).
  void count_misread(uint32_t code) {
    const bool tail = is_misread_tail(code);
    if (last_ >= 0xC2 && last_ <= 0xEF && tail && high_ > 0) counts_.mojibake += 2;
    high_ = (code >= 0x80 && code <= 0xFF) || tail ? high_ + 1 : 0;
    if (high_ >= 4) counts_.mojibake += high_ == 4 ? 4 : 1;
  }

  // A character's bytes, the last one lowest; at most three.
  void add_to_word(uint32_t bytes, uint32_t count) {
    packed_ = packed_ << (8 * count) | bytes;
    bytes_ += count;
    fresh_ += count;
    if (fresh_ > 5) mix_word();
  }

  void mix_word() {
    hash_ = (hash_ ^ packed_) * 0x9FB21C651E98DF25ULL;
    hash_ ^= hash_ >> 32;
    fresh_ = 0;
  }

  void end_word() {
    last_ = 0;
    last_sign_ = 0;
    if (bytes_ == 0) return;
    ++counts_.words;
    const bool function_word = bytes_ <= 8 && !has_wide_ && function_word_kind(packed_) == 1;
    counts_.function_words += function_word ? 1 : 0;
    if (words_.size() < most_words_) {
      hash_ += bytes_;  // what was mixed may be mixed again
      mix_word();
      hash_ *= 0x9FB21C651E98DF25ULL;
      words_.push_back({(hash_ ^ (hash_ >> 29)) | 1U, bytes_, function_word});
    }
    hash_ = kStart;
    packed_ = 0;
    bytes_ = fresh_ = 0;
    has_wide_ = false;
  }

  static constexpr uint64_t kStart = 0xCBF29CE484222325ULL;

  std::string_view line_;
  size_t most_words_;
  std::vector<TextWord>& words_;
  TextCounts counts_;
  uint64_t hash_ = kStart;
  uint64_t packed_ = 0;  // the word's last eight bytes
  uint32_t bytes_ = 0;
  uint32_t fresh_ = 0;  // of packed_, not yet in hash_
  uint32_t last_ = 0;
  size_t high_ = 0;
  uint8_t last_sign_ = 0;
  bool has_wide_ = false;
};

// Syllables that end a sentence without a mark: 다 요 죠 까 음 함 임 됨 네 지 오 라 자 군 듯.
bool is_korean_end(std::string_view end) {
  static constexpr auto kEnds = std::to_array<std::string_view>(
      {"다", "요", "죠", "까", "음", "함", "임", "됨", "네", "지", "오", "라", "자", "군", "듯"});
  return std::find(kEnds.begin(), kEnds.end(), end) != kEnds.end();
}

}  // namespace

void TextCounts::add(const TextCounts& line) {
  characters += line.characters;
  broken += line.broken;
  mojibake += line.mojibake;
  symbols += line.symbols;
  digits += line.digits;
  latin += line.latin;
  hangul += line.hangul;
  jamo += line.jamo;
  letters += line.letters;
  words += line.words;
  function_words += line.function_words;
  bytes += line.bytes;
  sentence_bytes += line.sentence_bytes;
  lines += line.lines;
  list_lines += line.list_lines;
}

TextCounts count_line(std::string_view line, size_t most_words, std::vector<TextWord>& words) {
  TextCounts counts = LineCounter(line, most_words, words).count();
  if (counts.characters == 0) return counts;
  counts.bytes = line.size();
  counts.lines = 1;
  counts.list_lines = is_list_line(line) ? 1 : 0;
  counts.sentence_bytes = has_sentence_end(line) ? line.size() : 0;
  return counts;
}

bool has_sentence_end(std::string_view line) {
  // A mark behind a word and before a blank; a word of one letter or digit is a list's number.
  for (size_t at = 6; at + 1 < line.size(); ++at) {
    if (at + 1 + kBlockBytes <= line.size()) {
      const ByteBlock block = load_block(line.data() + at);
      const ByteBlock mark = (block == '.') | (block == '?') | (block == '!');
      if (!any_of(mark & (load_block(line.data() + at + 1) == ' '))) {
        at += kBlockBytes - 1;
        continue;
      }
    }
    if (line[at + 1] != ' ' || (line[at] != '.' && line[at] != '?' && line[at] != '!')) continue;
    const char before = line[at - 1];
    if (static_cast<uint8_t>(before) >= 0x80 || (before >= 'a' && before <= 'z') || before == ' ')
      return true;
  }
  static constexpr std::string_view kClosing = " \t\r\"')]*_~^;`>|";
  size_t end = line.size();
  while (end > 0 && kClosing.find(line[end - 1]) != kClosing.npos) --end;
  while (end >= 3 && (line.substr(end - 3, 3) == "”" || line.substr(end - 3, 3) == "’")) end -= 3;
  if (end < 2) return false;
  const char last = line[end - 1];
  if (last == '.' || last == '?' || last == '!') return true;
  if (end < 3) return false;
  const std::string_view wide = line.substr(end - 3, 3);
  return wide == "…" || wide == "。" || (end >= 9 && is_korean_end(wide));
}

}  // namespace onmal
