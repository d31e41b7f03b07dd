#pragma once

#include "kernels/vec.h"

// 32 bytes at once, and how nibbles and bits of packed formats become them.
namespace onmal::kernels::ONMAL_ISA {

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

// A group's number becomes a constant; without byte vectors that would only make the code long.
#define ONMAL_UNROLL_BYTES _Pragma("GCC unroll 8")

struct Bytes32 {
  __m256i v;

  static ONMAL_INLINE Bytes32 load(const void* p) {
    return {_mm256_loadu_si256(static_cast<const __m256i*>(p))};
  }
  // Low nibbles of 16 bytes, then their high nibbles.
  static ONMAL_INLINE Bytes32 nibbles(const uint8_t* p) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m256i both =
        _mm256_inserti128_si256(_mm256_castsi128_si256(low), _mm_srli_epi16(low, 4), 1);
    return {_mm256_and_si256(both, _mm256_set1_epi8(15))};
  }
  // Byte i is bit i of `bits`, at bit 4.
  static ONMAL_INLINE Bytes32 fifth_bits(uint32_t bits) {
    const __m256i spread = _mm256_shuffle_epi8(
        _mm256_set1_epi32(static_cast<int>(bits)),
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
    const __m256i each = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ULL));
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, each), each);
    return {_mm256_and_si256(set, _mm256_set1_epi8(16))};
  }
  // (byte >> kShift) & kMask
  template <int kShift, int kMask>
  ONMAL_INLINE Bytes32 field() const {
    return {_mm256_and_si256(kShift == 0 ? v : _mm256_srli_epi16(v, kShift),
                             _mm256_set1_epi8(static_cast<char>(kMask)))};
  }
  // Bytes must stay below 256.
  template <int kShift>
  ONMAL_INLINE Bytes32 left() const {
    return {_mm256_slli_epi16(v, kShift)};
  }
  friend ONMAL_INLINE Bytes32 operator|(Bytes32 a, Bytes32 b) {
    return {_mm256_or_si256(a.v, b.v)};
  }
  // Signed bytes plus 128.
  ONMAL_INLINE Bytes32 offset() const {
    return {_mm256_xor_si256(v, _mm256_set1_epi8(static_cast<char>(0x80)))};
  }
  ONMAL_INLINE Bytes32 lookup(const uint8_t* table) const {
    const __m256i levels =
        _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
    return {_mm256_shuffle_epi8(levels, v)};
  }
  ONMAL_INLINE void store(uint8_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
};

#else

#define ONMAL_UNROLL_BYTES _Pragma("GCC unroll 1")

struct Bytes32 {
  uint8_t v[32];

  static ONMAL_INLINE Bytes32 load(const void* p) {
    Bytes32 out;
    __builtin_memcpy(out.v, p, 32);
    return out;
  }
  static ONMAL_INLINE Bytes32 nibbles(const uint8_t* p) {
    Bytes32 out;
    for (int i = 0; i < 16; ++i) {
      out.v[i] = p[i] & 15;
      out.v[i + 16] = static_cast<uint8_t>(p[i] >> 4);
    }
    return out;
  }
  static ONMAL_INLINE Bytes32 fifth_bits(uint32_t bits) {
    Bytes32 out;
    for (int i = 0; i < 32; ++i) out.v[i] = static_cast<uint8_t>((bits >> i & 1U) << 4);
    return out;
  }
  template <int kShift, int kMask>
  ONMAL_INLINE Bytes32 field() const {
    Bytes32 out;
    for (int i = 0; i < 32; ++i) out.v[i] = static_cast<uint8_t>(v[i] >> kShift & kMask);
    return out;
  }
  template <int kShift>
  ONMAL_INLINE Bytes32 left() const {
    Bytes32 out;
    for (int i = 0; i < 32; ++i) out.v[i] = static_cast<uint8_t>(v[i] << kShift);
    return out;
  }
  friend ONMAL_INLINE Bytes32 operator|(const Bytes32& a, const Bytes32& b) {
    Bytes32 out;
    for (int i = 0; i < 32; ++i) out.v[i] = a.v[i] | b.v[i];
    return out;
  }
  ONMAL_INLINE Bytes32 offset() const {
    Bytes32 out;
    for (int i = 0; i < 32; ++i) out.v[i] = v[i] ^ 0x80;
    return out;
  }
  ONMAL_INLINE Bytes32 lookup(const uint8_t* table) const {
    Bytes32 out;
    for (int i = 0; i < 32; ++i) out.v[i] = table[v[i]];
    return out;
  }
  ONMAL_INLINE void store(uint8_t* p) const { __builtin_memcpy(p, v, 32); }
};

#endif

}  // namespace onmal::kernels::ONMAL_ISA
