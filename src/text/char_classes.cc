#include "text/char_classes.h"

#include <unicode/uchar.h>

#include <algorithm>

namespace onmal {
namespace {

CharClass class_of(UCharCategory category) {
  switch (category) {
    case U_UPPERCASE_LETTER:
    case U_LOWERCASE_LETTER:
    case U_TITLECASE_LETTER:
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
      return CharClass::kLetter;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      return CharClass::kNumber;
    default:
      return CharClass::kOther;
  }
}

UBool fill_range(const void* context, UChar32 begin, UChar32 end, UCharCategory category) {
  auto* table = static_cast<CharClass*>(const_cast<void*>(context));
  std::fill(table + begin, table + end, class_of(category));
  return true;
}

}  // namespace

CharClasses::CharClasses() : table_(UCHAR_MAX_VALUE + 1, CharClass::kOther) {
  u_enumCharTypes(fill_range, table_.data());
  // White space is a property of 25 characters, all below U+3001.
  for (uint32_t code = 0; code <= 0x3000; ++code) {
    if (u_hasBinaryProperty(static_cast<UChar32>(code), UCHAR_WHITE_SPACE))
      table_[code] = CharClass::kSpace;
  }
}

bool CharClasses::is_decimal(uint32_t code) const {
  return (code >= '0' && code <= '9') || (code >= 0x80 && u_isdigit(static_cast<UChar32>(code)));
}

}  // namespace onmal
