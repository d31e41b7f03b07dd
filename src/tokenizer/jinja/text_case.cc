#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "tokenizer/jinja/text.h"

namespace onmal::jinja {
namespace {

UChar32 icu(char32_t character) { return static_cast<UChar32>(code_of(character)); }

uint32_t category_bit(char32_t character) {
  return uint32_t{1} << static_cast<uint32_t>(u_charType(icu(character)));
}

enum class Case { kUpper, kLower, kTitle };

// The full mapping of one character, without context.
void append_mapped(char32_t character, Case wanted, Text& out) {
  if (code_of(character) < 0x80) {
    const char32_t code = code_of(character);
    char32_t mapped = code;
    if (wanted == Case::kLower && code >= U'A' && code <= U'Z') mapped = code + 32;
    if (wanted != Case::kLower && code >= U'a' && code <= U'z') mapped = code - 32;
    out += marked_like(mapped, character);
    return;
  }
  constexpr int32_t kMost = 8;
  UChar source[2];
  UChar result[kMost];
  int32_t length = 0;
  U16_APPEND_UNSAFE(source, length, icu(character));
  UErrorCode status = U_ZERO_ERROR;
  int32_t size = 0;
  if (wanted == Case::kUpper) {
    size = u_strToUpper(result, kMost, source, length, "", &status);
  } else if (wanted == Case::kLower) {
    size = u_strToLower(result, kMost, source, length, "", &status);
  } else {
    const UChar32 single = u_totitle(icu(character));
    if (single != icu(character)) {
      U16_APPEND_UNSAFE(result, size, single);
    } else {
      size = u_strToTitle(result, kMost, source, length, nullptr, "", &status);
    }
  }
  if (U_FAILURE(status)) {
    out += character;
    return;
  }
  for (int32_t at = 0; at < size;) {
    UChar32 code = 0;
    U16_NEXT(result, at, size, code);
    out += marked_like(static_cast<char32_t>(code), character);
  }
}

bool is_cased(char32_t character) { return u_hasBinaryProperty(icu(character), UCHAR_CASED) != 0; }

bool is_case_ignorable(char32_t character) {
  return u_hasBinaryProperty(icu(character), UCHAR_CASE_IGNORABLE) != 0;
}

// Greek capital sigma becomes a final one behind a cased character and before none (Unicode 3.13).
bool is_final_sigma(TextView text, size_t at) {
  size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(TextView text, size_t at, Text& out) {
  if (code_of(text[at]) == 0x3A3) {
    out += marked_like(is_final_sigma(text, at) ? 0x3C2 : 0x3C3, text[at]);
  } else {
    append_mapped(text[at], Case::kLower, out);
  }
}

}  // namespace

bool is_space(char32_t character) {
  const char32_t code = code_of(character);
  if (code < 0x80)
    return code == U' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || u_charType(icu(code)) == U_SPACE_SEPARATOR || code == 0x2028 ||
         code == 0x2029;
}

bool is_letter(char32_t character) { return (category_bit(character) & U_GC_L_MASK) != 0; }

bool is_decimal_digit(char32_t character) {
  return u_charType(icu(character)) == U_DECIMAL_DIGIT_NUMBER;
}

bool is_digit(char32_t character) {
  const int32_t type = u_getIntPropertyValue(icu(character), UCHAR_NUMERIC_TYPE);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

bool is_number(char32_t character) {
  return u_getIntPropertyValue(icu(character), UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}

bool is_upper(char32_t character) {
  return u_hasBinaryProperty(icu(character), UCHAR_UPPERCASE) != 0;
}

bool is_lower(char32_t character) {
  return u_hasBinaryProperty(icu(character), UCHAR_LOWERCASE) != 0;
}

bool is_title(char32_t character) { return u_charType(icu(character)) == U_TITLECASE_LETTER; }

bool is_printable(char32_t character) {
  if (code_of(character) == U' ') return true;
  return (category_bit(character) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}

Text upper_text(TextView text) {
  Text result;
  for (const char32_t character : text) append_mapped(character, Case::kUpper, result);
  return result;
}

Text lower_text(TextView text) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) append_lower(text, i, result);
  return result;
}

Text swap_case(TextView text) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_upper(text[i])) {
      append_lower(text, i, result);
    } else if (is_lower(text[i])) {
      append_mapped(text[i], Case::kUpper, result);
    } else {
      result += text[i];
    }
  }
  return result;
}

Text capitalize_text(TextView text) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 0) {
      append_mapped(text[i], Case::kTitle, result);
    } else {
      append_lower(text, i, result);
    }
  }
  return result;
}

Text title_text(TextView text) {
  Text result;
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (inside) {
      append_lower(text, i, result);
    } else {
      append_mapped(text[i], Case::kTitle, result);
    }
    inside = is_cased(text[i]);
  }
  return result;
}

}  // namespace onmal::jinja
