#pragma once

#include <cstdint>

// Quantised block layouts as plain structs, byte for byte as GGUF stores them (the format's public
// definition). d, m and dmin are IEEE halves. Formats of 32 values first, then those of 256.
namespace onmal {

inline constexpr int64_t kQ8BlockSize = 32;
inline constexpr int64_t kSmallBlockSize = 32;
inline constexpr int64_t kSuperBlockSize = 256;

// value[i] = scale * values[i]; scale is an IEEE half.
struct BlockQ8_0 {
  uint16_t scale;
  int8_t values[kQ8BlockSize];
};
static_assert(sizeof(BlockQ8_0) == 34);

// Nibbles of small blocks: values 0..15 in the low halves, 16..31 in the high halves of the bytes.
// value = d * (nibble - 8)
struct BlockQ4_0 {
  uint16_t d;
  uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

// value = d * nibble + m
struct BlockQ4_1 {
  uint16_t d, m;
  uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

// value = d * ((nibble | bit << 4) - 16); bit i of the little-endian high_bits belongs to value i
struct BlockQ5_0 {
  uint16_t d;
  uint8_t high_bits[4];
  uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

// value = d * (nibble | bit << 4) + m
struct BlockQ5_1 {
  uint16_t d, m;
  uint8_t high_bits[4];
  uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

// The 16 levels that the iq4 formats choose from: closer together around zero.
inline constexpr int8_t kIQ4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

// value = d * kIQ4Levels[nibble]
struct BlockIQ4_NL {
  uint16_t d;
  uint8_t nibbles[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18);

// 16 groups of 16: value = d * (scale & 15) * q2 - dmin * (scale >> 4)
struct BlockQ2_K {
  uint8_t scales[16];
  uint8_t q2[64];
  uint16_t d, dmin;
};
static_assert(sizeof(BlockQ2_K) == 84);

// 16 groups of 16 with 6-bit scales: value = d * (scale - 32) * (q2 - (high bit set ? 0 : 4))
struct BlockQ3_K {
  uint8_t high_bits[32];
  uint8_t q2[64];
  uint8_t scales[12];
  uint16_t d;
};
static_assert(sizeof(BlockQ3_K) == 110);

// 8 groups of 32 with 6-bit scales and minima: value = d * scale * nibble - dmin * min
struct BlockQ4_K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t nibbles[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

// As Q4_K with a fifth bit.
struct BlockQ5_K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t high_bits[32];
  uint8_t nibbles[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

// 16 groups of 16: value = d * scale * (q6 - 32)
struct BlockQ6_K {
  uint8_t nibbles[128];
  uint8_t high_bits[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(BlockQ6_K) == 210);

// 8 groups of 32 with 6-bit scales: value = d * (scale - 32) * kIQ4Levels[nibble]
struct BlockIQ4_XS {
  uint16_t d;
  uint16_t scales_high;
  uint8_t scales_low[4];
  uint8_t nibbles[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136);

}  // namespace onmal
