#include "corpus/clean/language.h"

#include <algorithm>

#include "corpus/clean/code_lines.h"
#include "corpus/clean/function_words.h"
#include "corpus/quick_utf8.h"
#include "text/hangul.h"
#include "text/utf8_runs.h"

namespace onmal {
namespace {

struct Scripts {
  size_t hangul = 0, kana = 0, han = 0, latin = 0, other = 0;
  size_t accents = 0;  // Latin letters that English does not have
  size_t words = 0, english = 0, foreign = 0;
  size_t endings = 0;  // words that end as few English ones do
};

bool is_ascii_letter_byte(char c) {
  return static_cast<uint8_t>((static_cast<uint8_t>(c) | 0x20) - 'a') < 26;
}

// Words of Latin letters, byte by byte; capitals in lower case.
class LatinWords {
 public:
  explicit LatinWords(Scripts& scripts) : scripts_(scripts) {}

  void add(uint8_t byte) {
    packed_ = (packed_ << 8) | byte;
    ++length_;
  }
  // The letters of ASCII from `at` on; behind them.
  size_t add_letters(std::string_view text, size_t at) {
    const size_t begin = at;
    for (; at < text.size() && is_ascii_letter_byte(text[at]); ++at)
      packed_ = (packed_ << 8) | (static_cast<uint8_t>(text[at]) | 0x20U);
    length_ += at - begin;
    scripts_.latin += at - begin;
    return at;
  }

  void end() {
    if (length_ == 0) return;
    ++scripts_.words;
    const int kind = length_ <= 8 ? function_word_kind(packed_) : 0;
    scripts_.english += kind == 1 || (length_ > 4 && (packed_ & 0xFFFFFF) == 0x696E67) ? 1 : 0;
    scripts_.foreign += kind == 2 ? 1 : 0;
    if (kind == 0 && length_ >= 4) scripts_.endings += has_foreign_ending() ? 1 : 0;
    packed_ = 0;
    length_ = 0;
  }

 private:
  // A vowel but e and y, or -en, -ung, -ich.
  bool has_foreign_ending() const {
    const auto last = static_cast<uint8_t>(packed_ & 0xFF);
    if (last == 'a' || last == 'o' || last == 'i' || last == 'u') return true;
    const uint64_t two = packed_ & 0xFFFF;
    const uint64_t three = packed_ & 0xFFFFFF;
    return (two == 0x656E && length_ >= 6) || three == 0x756E67 || three == 0x696368;
  }

  Scripts& scripts_;
  uint64_t packed_ = 0;
  size_t length_ = 0;
};

uint32_t lower_latin(uint32_t code) {
  if (code >= 0xC0 && code <= 0xDE && code != 0xD7) return code + 0x20;
  if (code >= 0x100 && code <= 0x17F && code % 2 == 0) return code + 1;
  return code;
}

bool is_latin_letter(uint32_t code) {
  return (code >= 0xC0 && code <= 0x24F && code != 0xD7 && code != 0xF7) ||
         (code >= 0x1E00 && code <= 0x1EFF);
}

void count_wide(uint32_t code, Scripts& scripts) {
  if (is_hangul(code))
    scripts.hangul += code >= 0x1160 && code <= 0x11FF ? 0 : 1;  // a decomposed syllable is one
  else if ((code >= 0x3041 && code <= 0x30FF && code != 0x30FB) ||
           (code >= 0xFF66 && code <= 0xFF9D))
    ++scripts.kana;
  else if ((code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
           (code >= 0x20000 && code <= 0x323AF))
    ++scripts.han;
  else if ((code >= 0x370 && code <= 0x1FFF && !(code >= 0x1E00 && code <= 0x1EFF)) ||
           (code >= 0xA4D0 && code <= 0xABFF))
    ++scripts.other;
}

// Behind the Hangul from `begin` on, also with anything between but letters.
size_t read_hangul(std::string_view text, size_t begin, Scripts& scripts) {
  size_t end = begin;
  for (; begin >= 2 && end + kBlockBytes <= text.size(); end += kBlockBytes) {
    const ByteBlock block = load_block(text.data() + end);
    const ByteBlock letter = (block | 0x20) - 'a' < 26;
    if (any_of(not_ascii_or_hangul(text.data() + end) | letter)) break;
    scripts.hangul += count_true(hangul_leads(block));
  }
  if (end > begin) {
    const size_t whole = without_cut_hangul(text, begin, end);
    scripts.hangul -= whole < end ? 1 : 0;
    end = whole;
  }
  size_t behind = end;
  while (behind < text.size() && is_hangul_at(text, behind)) behind += 3;
  scripts.hangul += (behind - end) / 3;
  return behind;
}

Scripts count_scripts(std::string_view text) {
  Scripts scripts;
  LatinWords words(scripts);
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      if (is_ascii_letter_byte(text[i])) {
        i = words.add_letters(text, i);
      } else {
        words.end();
        ++i;
      }
      continue;
    }
    if (byte >= 0xEA) {
      const size_t behind = read_hangul(text, i, scripts);
      if (behind > i) {
        words.end();
        i = behind;
        continue;
      }
    }
    const Utf8Char c = read_character(text, i);
    i += c.length;
    if (c.valid && is_latin_letter(c.code)) {
      ++scripts.latin;
      ++scripts.accents;
      const uint32_t lower = lower_latin(c.code);
      if (lower < 0x800) {
        words.add(static_cast<uint8_t>(0xC0 | (lower >> 6)));
        words.add(static_cast<uint8_t>(0x80 | (lower & 0x3F)));
      } else {
        words.add(static_cast<uint8_t>(0xE0 | (lower >> 12)));
        words.add(static_cast<uint8_t>(0x80 | ((lower >> 6) & 0x3F)));
        words.add(static_cast<uint8_t>(0x80 | (lower & 0x3F)));
      }
    } else {
      words.end();
      if (c.valid) count_wide(c.code, scripts);
    }
  }
  words.end();
  return scripts;
}

Language latin_language(const Scripts& scripts) {
  // Two accents in a hundred letters weigh like a foreign function word in eight.
  const double words = static_cast<double>(std::max<size_t>(scripts.words, 1));
  const double letters = static_cast<double>(scripts.latin);
  const double english = static_cast<double>(scripts.english) / words;
  const double other = static_cast<double>(scripts.foreign) / words +
                       0.6 * static_cast<double>(scripts.endings) / words +
                       6.0 * static_cast<double>(scripts.accents) / letters;
  const size_t signs = scripts.foreign + scripts.accents + scripts.endings / 2;
  if (other > english && (signs >= 2 || (signs == 1 && scripts.words <= 8)))
    return Language::kOther;
  return Language::kEnglish;
}

Language script_language(const Scripts& scripts) {
  // Latin words without English grammar are names in a text of another script.
  const double names = 12 * scripts.english < scripts.words || scripts.english == 0 ? 4.0 : 1.0;
  const double hangul = names * 2.5 * static_cast<double>(scripts.hangul);
  const double kana = names * 2.0 * static_cast<double>(scripts.kana);
  const double han = names * 2.5 * static_cast<double>(scripts.han);
  const auto latin = static_cast<double>(scripts.latin);
  const auto other = static_cast<double>(scripts.other);
  if (hangul + kana + han + latin + other < 3) return Language::kNone;
  const double cjk = hangul + kana + han;
  if (cjk >= latin && cjk >= other) {
    // Korean quotes Hanja and Japanese; neither of these has Hangul.
    if (hangul >= 0.2 * cjk && hangul >= kana) return Language::kKorean;
    return kana >= 0.08 * (kana + han) ? Language::kJapanese : Language::kChinese;
  }
  return other > latin ? Language::kOther : latin_language(scripts);
}

std::string_view next_line(std::string_view text, size_t& at) {
  const size_t end = std::min(text.find('\n', at), text.size());
  const std::string_view line = text.substr(at, end - at);
  at = end + 1;
  return line;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == line.npos; }

bool is_fence(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t");
  return begin != line.npos && (line.substr(begin, 3) == "```" || line.substr(begin, 3) == "~~~");
}

}  // namespace

std::string_view language_name(Language language) {
  static constexpr std::array<std::string_view, kLanguages> kNames = {
      "korean", "english", "japanese", "chinese", "other", "code", "none"};
  return kNames[static_cast<size_t>(language)];
}

Language paragraph_language(std::string_view paragraph) {
  size_t code = 0;
  size_t prose = 0;
  for (size_t at = 0; at < paragraph.size();) {
    const std::string_view line = next_line(paragraph, at);
    const LineKind kind = line_kind(line);
    if (kind == LineKind::kCode) code += line.size();
    if (kind == LineKind::kProse) prose += line.size();
  }
  if (code > 0 && code >= prose) return Language::kCode;
  return script_language(count_scripts(paragraph));
}

DocumentLanguage document_language(std::string_view document) {
  DocumentLanguage result;
  const auto add = [&](size_t begin, size_t end, bool fenced) {
    if (begin >= end) return;
    const Language language =
        fenced ? Language::kCode : paragraph_language(document.substr(begin, end - begin));
    result.bytes[static_cast<size_t>(language)] += end - begin;
  };
  size_t begin = 0;
  bool fenced = false;
  for (size_t at = 0; at < document.size();) {
    const size_t line_begin = at;
    const std::string_view line = next_line(document, at);
    if (is_fence(line)) {
      add(begin, line_begin, fenced);
      fenced = !fenced;
      begin = std::min(at, document.size());
    } else if (is_blank(line) && !fenced) {
      add(begin, line_begin, false);
      begin = std::min(at, document.size());
    }
  }
  add(begin, document.size(), fenced);
  constexpr auto kNone = static_cast<size_t>(Language::kNone);
  const auto most = std::max_element(result.bytes.begin(), result.bytes.begin() + kNone);
  if (*most > 0) result.language = static_cast<Language>(most - result.bytes.begin());
  return result;
}

}  // namespace onmal
