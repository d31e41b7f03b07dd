// Products of bf16 pairs for AVX-512 processors that have VDPBF16PS; chosen at run time by
// kernels::gemm_bf16. The instruction takes denormals for zero.
#include "kernels/gemm.h"

#include "kernels/vector/gemm_pack.h"
#include "kernels/vector/gemm_tile.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

struct PairProduct {
  typedef __m512bh Words;
  static ONMAL_INLINE __m512bh load(const float* p) {
    return reinterpret_cast<__m512bh>(_mm512_loadu_ps(p));
  }
  static ONMAL_INLINE __m512bh all(const float* p) {
    return reinterpret_cast<__m512bh>(_mm512_set1_ps(*p));
  }
  static ONMAL_INLINE Vec add_product(__m512bh a, __m512bh b, Vec sum) {
    return {_mm512_dpbf16_ps(sum.v, a, b)};
  }
};

ONMAL_INLINE __m256i narrow(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

struct PairWords {
  static constexpr int64_t kDepthStep = 2;
  static constexpr bool kInPlace = false;

  // Neighbouring depths of a lane are neighbours already: rounding makes pairs.
  static void along_depth(const float* x, int64_t count, float* words) {
    auto* halves = reinterpret_cast<uint16_t*>(words);
    for (int64_t i = 0; i < count; i += 16) {
      const int64_t left = count - i;
      const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << left) - 1);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(halves + i),
                          narrow(_mm512_maskz_loadu_ps(mask, x + i)));
    }
  }
  static void across_lanes(const float* const* rows, int64_t lanes, float* words) {
    for (int64_t i = 0; i < lanes; i += 16) {
      const int64_t left = lanes - i;
      const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << left) - 1);
      const __m512i low = _mm512_cvtepu16_epi32(narrow(_mm512_maskz_loadu_ps(mask, rows[0] + i)));
      const __m512i high = _mm512_cvtepu16_epi32(narrow(_mm512_maskz_loadu_ps(mask, rows[1] + i)));
      _mm512_mask_storeu_epi32(words + i, mask, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
  }
};

void pack(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth, int64_t depths,
          int64_t tile, float* out, float* scratch) {
  if (tile == kRows) {
    pack_panels<PairWords, kRows>(operand, first, lanes, depth, depths, out, scratch);
  } else {
    pack_panels<PairWords, kColumns>(operand, first, lanes, depth, depths, out, scratch);
  }
}

}  // namespace

extern const GemmKernels kGemmBf16;
const GemmKernels kGemmBf16 = {kRows, kColumns, 2, pack, multiply_panels<PairProduct>};

}  // namespace onmal::kernels::ONMAL_ISA
