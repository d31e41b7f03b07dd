#pragma once

#include "kernels/vec.h"
#include "numeric/blocks.h"
#include "numeric/dtype.h"

// Quantised formats to f32, 32 values at a time: the piece that every format's layout is made of.
// A piece becomes small integers first, then scale * level + offset.
namespace onmal::kernels::ONMAL_ISA {

inline constexpr int64_t kPieceValues = 32;

ONMAL_INLINE float widen_half(uint16_t half) {
  float values[Vec::kWidth];
  Vec::all_f16(half).store(values);
  return values[0];
}

// out[0..16) = scale * levels + offset
ONMAL_INLINE void write16(const int8_t* levels, float scale, float offset, float* out) {
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += Vec::kWidth) {
    Vec::fma(Vec::all(scale), Vec::load_i8(levels + i), Vec::all(offset)).store(out + i);
  }
}

ONMAL_INLINE void write32(const int8_t* levels, float scale, float offset, float* out) {
  write16(levels, scale, offset, out);
  write16(levels + 16, scale, offset, out + 16);
}

// Nibbles of 16 bytes, low halves first, less `zero`.
ONMAL_INLINE void split_nibbles(const uint8_t* bytes, int zero, int8_t* levels) {
  for (int i = 0; i < 16; ++i) {
    levels[i] = static_cast<int8_t>((bytes[i] & 15) - zero);
    levels[16 + i] = static_cast<int8_t>((bytes[i] >> 4) - zero);
  }
}

// The same with a fifth bit, value i's at bit i.
ONMAL_INLINE void split_five_bits(const uint8_t* bytes, const uint8_t* high_bits, int zero,
                                  int8_t* levels) {
  uint32_t bits;
  __builtin_memcpy(&bits, high_bits, sizeof bits);
  int32_t high[32];
  for (int i = 0; i < 32; ++i) high[i] = static_cast<int32_t>((bits >> i) & 1U) << 4;
  for (int i = 0; i < 16; ++i) {
    levels[i] = static_cast<int8_t>(((bytes[i] & 15) | high[i]) - zero);
    levels[16 + i] = static_cast<int8_t>(((bytes[i] >> 4) | high[16 + i]) - zero);
  }
}

ONMAL_INLINE void decode(const BlockQ8_0& block, int64_t, float* out) {
  write32(block.values, widen_half(block.scale), 0.0F, out);
}

ONMAL_INLINE void decode(const BlockQ4_0& block, int64_t, float* out) {
  int8_t levels[32];
  split_nibbles(block.nibbles, 8, levels);
  write32(levels, widen_half(block.d), 0.0F, out);
}

ONMAL_INLINE void decode(const BlockQ4_1& block, int64_t, float* out) {
  int8_t levels[32];
  split_nibbles(block.nibbles, 0, levels);
  write32(levels, widen_half(block.d), widen_half(block.m), out);
}

ONMAL_INLINE void decode(const BlockQ5_0& block, int64_t, float* out) {
  int8_t levels[32];
  split_five_bits(block.nibbles, block.high_bits, 16, levels);
  write32(levels, widen_half(block.d), 0.0F, out);
}

ONMAL_INLINE void decode(const BlockQ5_1& block, int64_t, float* out) {
  int8_t levels[32];
  split_five_bits(block.nibbles, block.high_bits, 0, levels);
  write32(levels, widen_half(block.d), widen_half(block.m), out);
}

ONMAL_INLINE void look_up_nibbles(const uint8_t* bytes, int8_t* levels) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIQ4Levels));
  const __m128i low = _mm_set1_epi8(15);
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(packed, 4), low);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(levels),
                   _mm_shuffle_epi8(table, _mm_and_si128(packed, low)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(levels + 16), _mm_shuffle_epi8(table, high));
#else
  for (int i = 0; i < 16; ++i) {
    levels[i] = kIQ4Levels[bytes[i] & 15];
    levels[16 + i] = kIQ4Levels[bytes[i] >> 4];
  }
#endif
}

ONMAL_INLINE void decode(const BlockIQ4_NL& block, int64_t, float* out) {
  int8_t levels[32];
  look_up_nibbles(block.nibbles, levels);
  write32(levels, widen_half(block.d), 0.0F, out);
}

ONMAL_INLINE void decode(const BlockIQ4_XS& block, int64_t piece, float* out) {
  const int low = (block.scales_low[piece / 2] >> (4 * (piece % 2))) & 15;
  const int high = (block.scales_high >> (2 * piece)) & 3;
  int8_t levels[32];
  look_up_nibbles(block.nibbles + 16 * piece, levels);
  const auto scale = static_cast<float>((low | (high << 4)) - 32);
  write32(levels, widen_half(block.d) * scale, 0.0F, out);
}

// Of 2-bit fields, piece p of a block takes bits 2 (p % 4) of the bytes 32 (p / 4) ….
ONMAL_INLINE void decode(const BlockQ2_K& block, int64_t piece, float* out) {
  const uint8_t* bytes = block.q2 + 32 * (piece / 4);
  const int shift = static_cast<int>(2 * (piece % 4));
  int8_t levels[32];
  for (int i = 0; i < 32; ++i) levels[i] = static_cast<int8_t>((bytes[i] >> shift) & 3);
  const float d = widen_half(block.d);
  const float dmin = widen_half(block.dmin);
  for (int half = 0; half < 2; ++half) {
    const int scale = block.scales[2 * piece + half];
    write16(levels + 16 * half, d * static_cast<float>(scale & 15),
            -dmin * static_cast<float>(scale >> 4), out + 16 * half);
  }
}

// 6-bit scale of group g: low 4 bits in the nibbles of bytes 0..7, high 2 bits in bytes 8..11.
ONMAL_INLINE int q3_k_scale(const uint8_t* scales, int64_t group) {
  const int low = (scales[group % 8] >> (4 * (group / 8))) & 15;
  const int high = (scales[8 + group % 4] >> (2 * (group / 4))) & 3;
  return (low | (high << 4)) - 32;
}

ONMAL_INLINE void decode(const BlockQ3_K& block, int64_t piece, float* out) {
  const uint8_t* bytes = block.q2 + 32 * (piece / 4);
  const int shift = static_cast<int>(2 * (piece % 4));
  int8_t levels[32];
  for (int i = 0; i < 32; ++i) {
    const int high = (block.high_bits[i] >> piece) & 1;
    levels[i] = static_cast<int8_t>(((bytes[i] >> shift) & 3) + 4 * high - 4);
  }
  const float d = widen_half(block.d);
  for (int half = 0; half < 2; ++half) {
    const auto scale = static_cast<float>(q3_k_scale(block.scales, 2 * piece + half));
    write16(levels + 16 * half, d * scale, 0.0F, out + 16 * half);
  }
}

struct ScaleAndMinimum {
  int scale, minimum;
};

// 6-bit scales and minima of 8 groups in 12 bytes: groups 0..3 in the low bits of bytes 0..3 and
// 4..7; groups 4..7 in the nibbles of bytes 8..11, their high bits on top of those of 0..7.
ONMAL_INLINE ScaleAndMinimum k_scale(const uint8_t* scales, int64_t group) {
  if (group < 4) return {scales[group] & 63, scales[group + 4] & 63};
  return {(scales[group + 4] & 15) | ((scales[group - 4] >> 6) << 4),
          (scales[group + 4] >> 4) | ((scales[group] >> 6) << 4)};
}

ONMAL_INLINE void decode(const BlockQ4_K& block, int64_t piece, float* out) {
  const uint8_t* bytes = block.nibbles + 32 * (piece / 2);
  const int shift = static_cast<int>(4 * (piece % 2));
  int8_t levels[32];
  for (int i = 0; i < 32; ++i) levels[i] = static_cast<int8_t>((bytes[i] >> shift) & 15);
  const ScaleAndMinimum group = k_scale(block.scales, piece);
  write32(levels, widen_half(block.d) * static_cast<float>(group.scale),
          -widen_half(block.dmin) * static_cast<float>(group.minimum), out);
}

ONMAL_INLINE void decode(const BlockQ5_K& block, int64_t piece, float* out) {
  const uint8_t* bytes = block.nibbles + 32 * (piece / 2);
  const int shift = static_cast<int>(4 * (piece % 2));
  int8_t levels[32];
  for (int i = 0; i < 32; ++i) {
    const int high = ((block.high_bits[i] >> piece) & 1) << 4;
    levels[i] = static_cast<int8_t>(((bytes[i] >> shift) & 15) | high);
  }
  const ScaleAndMinimum group = k_scale(block.scales, piece);
  write32(levels, widen_half(block.d) * static_cast<float>(group.scale),
          -widen_half(block.dmin) * static_cast<float>(group.minimum), out);
}

// Pieces 0 1 2 3 of half a block: low nibbles of bytes 0..31, of 32..63, then the high ones; their
// upper two bits in bits 0, 2, 4, 6 of the half's high_bits.
ONMAL_INLINE void decode(const BlockQ6_K& block, int64_t piece, float* out) {
  const int64_t half = piece / 4;
  const uint8_t* bytes = block.nibbles + 64 * half + 32 * (piece % 2);
  const uint8_t* high_bits = block.high_bits + 32 * half;
  const int shift = static_cast<int>(piece % 4 / 2 * 4);
  const int high_shift = static_cast<int>(2 * (piece % 4));
  int8_t levels[32];
  for (int i = 0; i < 32; ++i) {
    const int high = ((high_bits[i] >> high_shift) & 3) << 4;
    levels[i] = static_cast<int8_t>((((bytes[i] >> shift) & 15) | high) - 32);
  }
  const float d = widen_half(block.d);
  write16(levels, d * static_cast<float>(block.scales[2 * piece]), 0.0F, out);
  write16(levels + 16, d * static_cast<float>(block.scales[2 * piece + 1]), 0.0F, out + 16);
}

template <typename Block, int64_t kBlockSize>
void decode_blocks(const void* data, int64_t first, int64_t last, float* out) {
  constexpr int64_t kPieces = kBlockSize / kPieceValues;
  const auto* blocks = static_cast<const Block*>(data);
  for (int64_t piece = first; piece < last; ++piece, out += kPieceValues) {
    decode(blocks[piece / kPieces], piece % kPieces, out);
  }
}

// Pieces [first, last), counted from `data`, to 32 floats each.
inline __attribute__((noinline)) void decode_pieces(DType dtype, const void* data, int64_t first,
                                                    int64_t last, float* out) {
  switch (dtype) {
    case DType::kQ8_0:
      return decode_blocks<BlockQ8_0, kQ8BlockSize>(data, first, last, out);
    case DType::kQ4_0:
      return decode_blocks<BlockQ4_0, kSmallBlockSize>(data, first, last, out);
    case DType::kQ4_1:
      return decode_blocks<BlockQ4_1, kSmallBlockSize>(data, first, last, out);
    case DType::kQ5_0:
      return decode_blocks<BlockQ5_0, kSmallBlockSize>(data, first, last, out);
    case DType::kQ5_1:
      return decode_blocks<BlockQ5_1, kSmallBlockSize>(data, first, last, out);
    case DType::kIQ4_NL:
      return decode_blocks<BlockIQ4_NL, kSmallBlockSize>(data, first, last, out);
    case DType::kQ2_K:
      return decode_blocks<BlockQ2_K, kSuperBlockSize>(data, first, last, out);
    case DType::kQ3_K:
      return decode_blocks<BlockQ3_K, kSuperBlockSize>(data, first, last, out);
    case DType::kQ4_K:
      return decode_blocks<BlockQ4_K, kSuperBlockSize>(data, first, last, out);
    case DType::kQ5_K:
      return decode_blocks<BlockQ5_K, kSuperBlockSize>(data, first, last, out);
    case DType::kQ6_K:
      return decode_blocks<BlockQ6_K, kSuperBlockSize>(data, first, last, out);
    case DType::kIQ4_XS:
      return decode_blocks<BlockIQ4_XS, kSuperBlockSize>(data, first, last, out);
    default:
      __builtin_unreachable();  // not a quantised format
  }
}

// For prefetching.
ONMAL_INLINE int64_t bytes_per_256(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 1024;
    case DType::kF16:
    case DType::kBF16:
      return 512;
    case DType::kQ8_0:
      return 8 * sizeof(BlockQ8_0);
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ6_K:
      return 8 * sizeof(BlockQ5_1);
    default:
      return 8 * sizeof(BlockQ4_1);
  }
}

}  // namespace onmal::kernels::ONMAL_ISA
