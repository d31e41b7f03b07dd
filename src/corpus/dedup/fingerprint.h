#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace onmal {

// 128 bits that stand for a text: two of 10^12 different texts share one with a chance of 10^-15.
struct Fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const Fingerprint&) const = default;
};

// SipHash-2-4 with 128 bits of output (Aumasson & Bernstein, 2012), its low word first; the key's
// words as they are read from bytes in little-endian order.
Fingerprint siphash128(std::string_view bytes, uint64_t key_low, uint64_t key_high);

// NFC, white space at the ends dropped, any run of it inside one space. Bytes that are not UTF-8
// stay.
std::string normalize_for_equality(std::string_view text);
// The same without a copy where nothing changes: the text itself, else a view of `buffer`.
std::string_view normalize_for_equality(std::string_view text, std::string& buffer);

// The fingerprint of the text normalised for equality; of one that is already.
Fingerprint fingerprint_text(std::string_view text);
Fingerprint fingerprint_normalized(std::string_view text);

}  // namespace onmal
