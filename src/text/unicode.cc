#include "text/unicode.h"

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {
namespace {

bool in_categories(uint32_t code, uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code)) & mask) != 0;
}

const icu::Normalizer2& normalizer_of(NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = nullptr;
  switch (form) {
    case NormalForm::kNfc:
      normalizer = icu::Normalizer2::getNFCInstance(status);
      break;
    case NormalForm::kNfd:
      normalizer = icu::Normalizer2::getNFDInstance(status);
      break;
    case NormalForm::kNfkc:
      normalizer = icu::Normalizer2::getNFKCInstance(status);
      break;
    case NormalForm::kNfkd:
      normalizer = icu::Normalizer2::getNFKDInstance(status);
      break;
  }
  if (U_FAILURE(status))
    throw Error(ErrorCode::kResource, "Unicode data", std::string(u_errorName(status)));
  return *normalizer;
}

}  // namespace

bool is_white_space(uint32_t code) {
  return u_hasBinaryProperty(static_cast<UChar32>(code), UCHAR_WHITE_SPACE) != 0;
}

bool is_word_character(uint32_t code) {
  const auto c = static_cast<UChar32>(code);
  return in_categories(code, U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
         u_hasBinaryProperty(c, UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL) != 0;
}

bool is_punctuation(uint32_t code) { return in_categories(code, U_GC_P_MASK); }
bool is_symbol(uint32_t code) { return in_categories(code, U_GC_S_MASK); }
bool is_number(uint32_t code) { return in_categories(code, U_GC_N_MASK); }
bool is_mark(uint32_t code) { return in_categories(code, U_GC_M_MASK); }
bool is_nonspacing_mark(uint32_t code) { return in_categories(code, U_GC_MN_MASK); }
bool is_control(uint32_t code) { return in_categories(code, U_GC_C_MASK); }

bool is_han_ideograph(uint32_t code) {
  struct Range {
    uint32_t first, last;
  };
  // One begins at 2B920 where 2B820 was meant: so it stands in every tokenizer of the family.
  constexpr std::array<Range, 8> kRanges = {{{0x4E00, 0x9FFF},
                                             {0x3400, 0x4DBF},
                                             {0x20000, 0x2A6DF},
                                             {0x2A700, 0x2B73F},
                                             {0x2B740, 0x2B81F},
                                             {0x2B920, 0x2CEAF},
                                             {0xF900, 0xFAFF},
                                             {0x2F800, 0x2FA1F}}};
  for (const Range& range : kRanges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

int script_of(uint32_t code) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(code), &status);
}

uint32_t simple_lowercase(uint32_t code) {
  return static_cast<uint32_t>(u_tolower(static_cast<UChar32>(code)));
}

std::string normalize_unicode(std::string_view text, NormalForm form) {
  const icu::Normalizer2& normalizer = normalizer_of(form);
  std::string result;
  result.reserve(text.size());
  icu::StringByteSink<std::string> sink(&result);
  while (!text.empty()) {
    const size_t valid = std::min(find_invalid_utf8(text), text.size());
    // ICU counts in 32 bits.
    if (valid > size_t{1} << 30)
      throw Error(ErrorCode::kResource, "tokenizer", "a text is longer than 1 GB");
    UErrorCode status = U_ZERO_ERROR;
    normalizer.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(valid)), sink,
                             nullptr, status);
    if (U_FAILURE(status))
      throw Error(ErrorCode::kResource, "Unicode data", std::string(u_errorName(status)));
    if (valid < text.size()) result.push_back(text[valid]);
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
  return result;
}

std::string lowercase(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    if (!c.valid) {
      result.push_back(text[i]);
    } else if (c.code == 0x130) {
      result += "i\xCC\x87";  // the one character whose lowercase is two
    } else {
      append_utf8(simple_lowercase(c.code), result);
    }
    i += c.length;
  }
  return result;
}

void for_each_grapheme(std::string_view text, FunctionRef<void(std::string_view)> take) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  while (!text.empty()) {
    const size_t valid = std::min(find_invalid_utf8(text), text.size());
    UText bytes = UTEXT_INITIALIZER;
    utext_openUTF8(&bytes, text.data(), static_cast<int64_t>(valid), &status);
    breaks->setText(&bytes, status);
    if (U_FAILURE(status))
      throw Error(ErrorCode::kResource, "Unicode data", std::string(u_errorName(status)));
    for (int32_t begin = breaks->first(), end = breaks->next(); end != icu::BreakIterator::DONE;
         begin = end, end = breaks->next()) {
      take(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    }
    utext_close(&bytes);
    if (valid < text.size()) take(text.substr(valid, 1));
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
}

uint32_t base_character(uint32_t code) {
  icu::UnicodeString decomposed;
  if (!normalizer_of(NormalForm::kNfd).getDecomposition(static_cast<UChar32>(code), decomposed))
    return code;
  return static_cast<uint32_t>(decomposed.char32At(0));
}

}  // namespace onmal
