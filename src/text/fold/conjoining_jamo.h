#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace onmal {

// The character at `at`; 0 behind the end and for bytes that are none.
uint32_t code_at(std::string_view text, size_t at);

inline constexpr size_t kConjoiningJamoBytes = 3;  // of each in UTF-8
inline bool is_conjoining_initial(uint32_t code) { return code >= 0x1100 && code <= 0x1112; }
inline bool is_conjoining_vowel(uint32_t code) { return code >= 0x1161 && code <= 0x1175; }
inline bool is_conjoining_final(uint32_t code) { return code >= 0x11A8 && code <= 0x11C2; }

struct ComposedSyllable {
  char32_t code = 0;
  size_t length = 0;  // bytes of its parts; 0: there is no syllable
};

// The syllable whose modern conjoining jamo (NFD) begin at `at`: an initial, a vowel, and a final
// where one follows.
ComposedSyllable compose_conjoining(std::string_view text, size_t at);

}  // namespace onmal
