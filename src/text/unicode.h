#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace onmal {

// Properties of single characters, from ICU.
bool is_white_space(uint32_t code);     // White_Space
bool is_word_character(uint32_t code);  // \w of Unicode regular expressions (UTS 18)
bool is_punctuation(uint32_t code);     // general category P
bool is_symbol(uint32_t code);          // general category S
bool is_number(uint32_t code);          // general category N
bool is_mark(uint32_t code);            // general category M
bool is_nonspacing_mark(uint32_t code);
bool is_control(uint32_t code);        // general category C, with unassigned and private characters
bool is_han_ideograph(uint32_t code);  // the blocks that BERT calls Chinese
// A number per script; Common and Inherited have numbers of their own.
int script_of(uint32_t code);
uint32_t simple_lowercase(uint32_t code);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// Bytes that are not UTF-8 stay as they are; what stands between them is normalised.
std::string normalize_unicode(std::string_view text, NormalForm form);
// Full lowercase mapping, character by character, without context or language (U+0130 becomes two).
std::string lowercase(std::string_view text);
// Calls take(cluster) for each extended grapheme cluster; bytes that are not UTF-8 come one by one.
void for_each_grapheme(std::string_view text, FunctionRef<void(std::string_view)> take);
// The first character of the canonical decomposition.
uint32_t base_character(uint32_t code);

}  // namespace onmal
