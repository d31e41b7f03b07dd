#pragma once

#include "kernels/int8.h"
#include "kernels/vector/int8_bytes.h"
#include "numeric/blocks.h"

// Each quantised format as the integer kernels see it (kernels/int8.h): `bytes` gives a group's
// unsigned values, `scales` the factors of one step (up to 8 groups). kHalves: scales per group.
// kBits: of u. Layouts: numeric/blocks.h.
namespace onmal::kernels::ONMAL_ISA {

ONMAL_INLINE float one_half(uint16_t half) {
  float lanes[Vec::kWidth];
  Vec::all_f16(half).store(lanes);
  return lanes[0];
}

// The first two bytes of eight blocks, together: through registers, since a wide load of what
// narrow stores have just written would wait for them.
template <typename Block>
ONMAL_INLINE void gather_halves(const Block* block, int offset, float* out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(block) + offset;
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  uint16_t half[8];
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g) __builtin_memcpy(&half[g], bytes + g * sizeof(Block), 2);
  const __m128i halves = _mm_setr_epi16(
      static_cast<int16_t>(half[0]), static_cast<int16_t>(half[1]), static_cast<int16_t>(half[2]),
      static_cast<int16_t>(half[3]), static_cast<int16_t>(half[4]), static_cast<int16_t>(half[5]),
      static_cast<int16_t>(half[6]), static_cast<int16_t>(half[7]));
  _mm256_storeu_ps(out, _mm256_cvtph_ps(halves));
#else
  for (int g = 0; g < 8; ++g) {
    uint16_t half;
    __builtin_memcpy(&half, bytes + g * static_cast<int>(sizeof(Block)), 2);
    out[g] = one_half(half);
  }
#endif
}

// Eight halves to floats.
ONMAL_INLINE void widen_halves(const uint16_t* halves, float* out) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves))));
#else
  for (int i = 0; i < 8; ++i) out[i] = one_half(halves[i]);
#endif
}

// Formats of one group a block share all but the reading of the bytes.
template <typename BlockType, int kBitsValue, int kZeroValue>
struct SmallFormat {
  typedef BlockType Block;
  static constexpr int kBits = kBitsValue;
  static constexpr int kZero = kZeroValue;
  static constexpr int kHalves = 1;
  static constexpr int kGroupsInBlock = 1;
  static constexpr bool kHasMinimum = false;
  static constexpr bool kCanPack = true;  // into panels: kernels/vector/int8_packed.h

  static ONMAL_INLINE void scales(const Block* block, int groups, float* scales, float*) {
    if (groups == kInt8Step) return gather_halves(block, 0, scales);
    uint16_t halves[kInt8Step];
    for (int g = 0; g < kInt8Step; ++g)
      halves[g] = g < groups ? *reinterpret_cast<const uint16_t*>(block + g) : uint16_t{0};
    widen_halves(halves, scales);
  }
};

template <typename BlockType, int kBitsValue>
struct SmallFormatWithMinimum : SmallFormat<BlockType, kBitsValue, 0> {
  static constexpr bool kHasMinimum = true;

  static ONMAL_INLINE void scales(const BlockType* block, int groups, float* scales,
                                  float* minima) {
    if (groups == kInt8Step) {
      gather_halves(block, 0, scales);
      gather_halves(block, 2, minima);
    } else {
      uint16_t d[kInt8Step];
      uint16_t m[kInt8Step];
      for (int g = 0; g < kInt8Step; ++g) {
        d[g] = g < groups ? block[g].d : uint16_t{0};
        m[g] = g < groups ? block[g].m : uint16_t{0};
      }
      widen_halves(d, scales);
      widen_halves(m, minima);
    }
    for (int g = 0; g < kInt8Step; ++g) minima[g] = -minima[g];
  }
};

struct FormatQ8_0 : SmallFormat<BlockQ8_0, 8, 128> {
  static ONMAL_INLINE Bytes32 bytes(const BlockQ8_0* block, int g) {
    return Bytes32::load(block[g].values).offset();
  }
};

struct FormatQ4_0 : SmallFormat<BlockQ4_0, 4, 8> {
  static ONMAL_INLINE Bytes32 bytes(const BlockQ4_0* block, int g) {
    return Bytes32::nibbles(block[g].nibbles);
  }
};

struct FormatQ4_1 : SmallFormatWithMinimum<BlockQ4_1, 4> {
  static ONMAL_INLINE Bytes32 bytes(const BlockQ4_1* block, int g) {
    return Bytes32::nibbles(block[g].nibbles);
  }
};

ONMAL_INLINE uint32_t load_u32(const uint8_t* p) {
  uint32_t value;
  __builtin_memcpy(&value, p, sizeof value);
  return value;
}

struct FormatQ5_0 : SmallFormat<BlockQ5_0, 5, 16> {
  static ONMAL_INLINE Bytes32 bytes(const BlockQ5_0* block, int g) {
    return Bytes32::nibbles(block[g].nibbles) | Bytes32::fifth_bits(load_u32(block[g].high_bits));
  }
};

struct FormatQ5_1 : SmallFormatWithMinimum<BlockQ5_1, 5> {
  static ONMAL_INLINE Bytes32 bytes(const BlockQ5_1* block, int g) {
    return Bytes32::nibbles(block[g].nibbles) | Bytes32::fifth_bits(load_u32(block[g].high_bits));
  }
};

// The sixteen levels of IQ4 (-127 … 113), plus 128.
constexpr uint8_t kLevels[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                 129, 141, 153, 166, 181, 197, 217, 241};

struct FormatIQ4_NL : SmallFormat<BlockIQ4_NL, 8, 128> {
  static constexpr bool kCanPack = false;  // as levels they would take twice the memory
  static ONMAL_INLINE Bytes32 bytes(const BlockIQ4_NL* block, int g) {
    return Bytes32::nibbles(block[g].nibbles).lookup(kLevels);
  }
};

// One block is one step.
template <int kBitsValue, int kZeroValue, int kHalvesValue, bool kHasMinimumValue>
struct SuperFormat {
  static constexpr int kBits = kBitsValue;
  static constexpr int kZero = kZeroValue;
  static constexpr int kHalves = kHalvesValue;
  static constexpr int kGroupsInBlock = 8;
  static constexpr bool kHasMinimum = kHasMinimumValue;
  static constexpr bool kCanPack = false;
};

// out[i] = factor * values[i]
template <int kCount>
ONMAL_INLINE void scaled(const uint8_t* values, float factor, float* out) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  for (int i = 0; i < kCount; i += 8) {
    const __m256i wide =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(values + i)));
    _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_set1_ps(factor), _mm256_cvtepi32_ps(wide)));
  }
#else
  for (int i = 0; i < kCount; ++i) out[i] = factor * static_cast<float>(values[i]);
#endif
}

template <int kCount>
ONMAL_INLINE void scaled(const int8_t* values, float factor, float* out) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  for (int i = 0; i < kCount; i += 8) {
    const __m256i wide =
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(values + i)));
    _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_set1_ps(factor), _mm256_cvtepi32_ps(wide)));
  }
#else
  for (int i = 0; i < kCount; ++i) out[i] = factor * static_cast<float>(values[i]);
#endif
}

// Eight bytes in one word, times a half.
ONMAL_INLINE void scaled_bytes(uint64_t bytes, uint16_t factor, float* out) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  const __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
  const __m256 all = _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(factor)));
  _mm256_storeu_ps(out, _mm256_mul_ps(all, _mm256_cvtepi32_ps(wide)));
#else
  for (int i = 0; i < 8; ++i)
    out[i] = one_half(factor) * static_cast<float>(bytes >> (8 * i) & 255U);
#endif
}

// The 12 bytes of eight 6-bit scales and eight 6-bit minima of Q4_K and Q5_K, as eight bytes each.
struct SixBits {
  uint64_t scales;
  uint64_t minima;
};

ONMAL_INLINE SixBits six_bits(const uint8_t* packed) {
  const uint32_t a = load_u32(packed);
  const uint32_t b = load_u32(packed + 4);
  const uint32_t c = load_u32(packed + 8);
  const uint64_t high_scales = (c & 0x0F0F0F0FU) | ((a >> 2) & 0x30303030U);
  const uint64_t high_minima = ((c >> 4) & 0x0F0F0F0FU) | ((b >> 2) & 0x30303030U);
  return {(a & 0x3F3F3F3FU) | high_scales << 32, (b & 0x3F3F3F3FU) | high_minima << 32};
}

ONMAL_INLINE void six_bit_values(const uint8_t* packed, uint8_t* scales, uint8_t* minima) {
  const SixBits bits = six_bits(packed);
  __builtin_memcpy(scales, &bits.scales, 8);
  __builtin_memcpy(minima, &bits.minima, 8);
}

ONMAL_INLINE void six_bit_scales(const uint8_t* packed, uint16_t d, uint16_t dmin, float* scales,
                                 float* minima) {
  const SixBits bits = six_bits(packed);
  scaled_bytes(bits.scales, d, scales);
  scaled_bytes(bits.minima, dmin, minima);
}

struct FormatQ4_K : SuperFormat<4, 0, 1, true> {
  typedef BlockQ4_K Block;
  static constexpr bool kCanPack = true;
  static ONMAL_INLINE void scales(const Block* block, int, float* scales, float* minima) {
    six_bit_scales(block->scales, block->d, block->dmin, scales, minima);
  }
  static ONMAL_INLINE Bytes32 bytes(const Block* block, int g) {
    const Bytes32 both = Bytes32::load(block->nibbles + g / 2 * 32);
    return g % 2 == 0 ? both.field<0, 15>() : both.field<4, 15>();
  }
};

// Bit g of each byte, moved to bit 4 (g is a constant once unrolled).
ONMAL_INLINE Bytes32 bit_to_fifth(const Bytes32& bytes, int g) {
  switch (g) {
    case 0:
      return bytes.field<0, 1>().left<4>();
    case 1:
      return bytes.field<0, 2>().left<3>();
    case 2:
      return bytes.field<0, 4>().left<2>();
    case 3:
      return bytes.field<0, 8>().left<1>();
    case 4:
      return bytes.field<0, 16>();
    case 5:
      return bytes.field<1, 16>();
    case 6:
      return bytes.field<2, 16>();
    default:
      return bytes.field<3, 16>();
  }
}

struct FormatQ5_K : SuperFormat<5, 0, 1, true> {
  typedef BlockQ5_K Block;
  static constexpr bool kCanPack = true;
  static ONMAL_INLINE void scales(const Block* block, int, float* scales, float* minima) {
    six_bit_scales(block->scales, block->d, block->dmin, scales, minima);
  }
  static ONMAL_INLINE Bytes32 bytes(const Block* block, int g) {
    const Bytes32 both = Bytes32::load(block->nibbles + g / 2 * 32);
    return (g % 2 == 0 ? both.field<0, 15>() : both.field<4, 15>()) |
           bit_to_fifth(Bytes32::load(block->high_bits), g);
  }
};

struct FormatQ6_K : SuperFormat<6, 32, 2, false> {
  typedef BlockQ6_K Block;
  static constexpr bool kCanPack = true;
  static ONMAL_INLINE void scales(const Block* block, int, float* scales, float*) {
    scaled<16>(block->scales, one_half(block->d), scales);
  }
  static ONMAL_INLINE Bytes32 bytes(const Block* block, int g) {
    const Bytes32 low = Bytes32::load(block->nibbles + g / 4 * 64 + g % 2 * 32);
    const Bytes32 high = Bytes32::load(block->high_bits + g / 4 * 32);
    switch (g % 4) {
      case 0:
        return low.field<0, 15>() | high.field<0, 3>().left<4>();
      case 1:
        return low.field<0, 15>() | high.field<0, 12>().left<2>();
      case 2:
        return low.field<4, 15>() | high.field<0, 48>();
      default:
        return low.field<4, 15>() | high.field<2, 48>();
    }
  }
};

ONMAL_INLINE Bytes32 two_bits(const Bytes32& bytes, int g) {
  switch (g % 4) {
    case 0:
      return bytes.field<0, 3>();
    case 1:
      return bytes.field<2, 3>();
    case 2:
      return bytes.field<4, 3>();
    default:
      return bytes.field<6, 3>();
  }
}

struct FormatQ2_K : SuperFormat<2, 0, 2, true> {
  typedef BlockQ2_K Block;
  static ONMAL_INLINE void scales(const Block* block, int, float* scales, float* minima) {
    uint8_t low[16];
    uint8_t high[16];
    for (int i = 0; i < 16; ++i) {
      low[i] = block->scales[i] & 15;
      high[i] = static_cast<uint8_t>(block->scales[i] >> 4);
    }
    scaled<16>(low, one_half(block->d), scales);
    scaled<16>(high, one_half(block->dmin), minima);
  }
  static ONMAL_INLINE Bytes32 bytes(const Block* block, int g) {
    return two_bits(Bytes32::load(block->q2 + g / 4 * 32), g);
  }
};

struct FormatQ3_K : SuperFormat<3, 4, 2, false> {
  typedef BlockQ3_K Block;
  static ONMAL_INLINE void scales(const Block* block, int, float* scales, float*) {
    const uint32_t a = load_u32(block->scales);
    const uint32_t b = load_u32(block->scales + 4);
    const uint32_t c = load_u32(block->scales + 8);
    // Low nibbles of the first eight bytes, their high nibbles; two more bits each in the last
    // four.
    const uint32_t words[4] = {(a & 0x0F0F0F0FU) | ((c & 0x03030303U) << 4),
                               (b & 0x0F0F0F0FU) | ((c & 0x0C0C0C0CU) << 2),
                               ((a >> 4) & 0x0F0F0F0FU) | (c & 0x30303030U),
                               ((b >> 4) & 0x0F0F0F0FU) | ((c & 0xC0C0C0C0U) >> 2)};
    int8_t bytes[16];
    __builtin_memcpy(bytes, words, 16);
    for (int i = 0; i < 16; ++i) bytes[i] = static_cast<int8_t>(bytes[i] - 32);
    scaled<16>(bytes, one_half(block->d), scales);
  }
  static ONMAL_INLINE Bytes32 bytes(const Block* block, int g) {
    const Bytes32 fifth = bit_to_fifth(Bytes32::load(block->high_bits), g);
    return two_bits(Bytes32::load(block->q2 + g / 4 * 32), g) | fifth.template field<2, 4>();
  }
};

struct FormatIQ4_XS : SuperFormat<8, 128, 1, false> {
  typedef BlockIQ4_XS Block;
  static ONMAL_INLINE void scales(const Block* block, int, float* scales, float*) {
    int8_t values[8];
    for (int g = 0; g < 8; ++g) {
      const int low = block->scales_low[g / 2] >> (4 * (g % 2)) & 15;
      const int high = block->scales_high >> (2 * g) & 3;
      values[g] = static_cast<int8_t>((low | high << 4) - 32);
    }
    scaled<8>(values, one_half(block->d), scales);
  }
  static ONMAL_INLINE Bytes32 bytes(const Block* block, int g) {
    return Bytes32::nibbles(block->nibbles + g * 16).lookup(kLevels);
  }
};

// Calls action.run<Format>() for the format of dtype; nothing for others.
template <typename Action>
ONMAL_INLINE void with_format(DType dtype, Action&& action) {
  switch (dtype) {
    case DType::kQ8_0:
      return action.template run<FormatQ8_0>();
    case DType::kQ4_0:
      return action.template run<FormatQ4_0>();
    case DType::kQ4_1:
      return action.template run<FormatQ4_1>();
    case DType::kQ5_0:
      return action.template run<FormatQ5_0>();
    case DType::kQ5_1:
      return action.template run<FormatQ5_1>();
    case DType::kIQ4_NL:
      return action.template run<FormatIQ4_NL>();
    case DType::kQ2_K:
      return action.template run<FormatQ2_K>();
    case DType::kQ3_K:
      return action.template run<FormatQ3_K>();
    case DType::kQ4_K:
      return action.template run<FormatQ4_K>();
    case DType::kQ5_K:
      return action.template run<FormatQ5_K>();
    case DType::kQ6_K:
      return action.template run<FormatQ6_K>();
    case DType::kIQ4_XS:
      return action.template run<FormatIQ4_XS>();
    default:
      return;
  }
}

// Where step `step` of a row begins.
template <typename Format>
ONMAL_INLINE const typename Format::Block* step_at(const void* row, int64_t step) {
  return static_cast<const typename Format::Block*>(row) +
         step * (kInt8Step / Format::kGroupsInBlock);
}

}  // namespace onmal::kernels::ONMAL_ISA
