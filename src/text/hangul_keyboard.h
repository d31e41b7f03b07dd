#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace onmal {

// The two-set (dubeolsik) keyboard. Keys are named by the Latin letters on them, capitals with
// shift: 안녕 is "dkssud".

// The keys that type a character: a syllable, a compatibility jamo; "" for anything else.
std::string hangul_keys(uint32_t code);
// The keys of a text; characters that no Hangul key types stay.
std::string hangul_keys(std::string_view text);

// What a Korean input method makes of these keys: syllables as soon as jamo fit together, jamo by
// themselves where they do not. Other characters end a syllable and stay.
std::string type_hangul(std::string_view keys);

// Keys that touch this one on a keyboard, letters only, in the case of the key.
std::string_view neighbouring_keys(char key);

}  // namespace onmal
