#pragma once

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

struct UnpackWords {
  static ONMAL_INLINE __m256i low32(__m256i a, __m256i b) { return _mm256_unpacklo_epi32(a, b); }
  static ONMAL_INLINE __m256i high32(__m256i a, __m256i b) { return _mm256_unpackhi_epi32(a, b); }
  static ONMAL_INLINE __m256i low64(__m256i a, __m256i b) { return _mm256_unpacklo_epi64(a, b); }
  static ONMAL_INLINE __m256i high64(__m256i a, __m256i b) { return _mm256_unpackhi_epi64(a, b); }
#if defined(ONMAL_ISA_AVX512)
  static ONMAL_INLINE __m512i low32(__m512i a, __m512i b) { return _mm512_unpacklo_epi32(a, b); }
  static ONMAL_INLINE __m512i high32(__m512i a, __m512i b) { return _mm512_unpackhi_epi32(a, b); }
  static ONMAL_INLINE __m512i low64(__m512i a, __m512i b) { return _mm512_unpacklo_epi64(a, b); }
  static ONMAL_INLINE __m512i high64(__m512i a, __m512i b) { return _mm512_unpackhi_epi64(a, b); }
#endif
};

// Rows of 32-bit words, transposed four by four: afterwards r[4i + j] holds, in its 128-bit part p,
// word 4p + j of rows 4i to 4i + 3.
template <typename Register, int kRows>
ONMAL_INLINE void transpose_fours(Register (&r)[kRows]) {
  Register a[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; i += 2) {
    a[i] = UnpackWords::low32(r[i], r[i + 1]);
    a[i + 1] = UnpackWords::high32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; i += 4) {
    r[i] = UnpackWords::low64(a[i], a[i + 2]);
    r[i + 1] = UnpackWords::high64(a[i], a[i + 2]);
    r[i + 2] = UnpackWords::low64(a[i + 1], a[i + 3]);
    r[i + 3] = UnpackWords::high64(a[i + 1], a[i + 3]);
  }
}

#endif

}  // namespace onmal::kernels::ONMAL_ISA
