#include "kernels/gemm.h"

#include "kernels/vector/gemm_pack.h"
#include "kernels/vector/gemm_tile.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

struct F32Product {
  typedef Vec Words;
  static ONMAL_INLINE Vec load(const float* p) { return Vec::load(p); }
  static ONMAL_INLINE Vec all(const float* p) { return Vec::all(*p); }
  static ONMAL_INLINE Vec add_product(Vec a, Vec b, Vec sum) { return Vec::fma(a, b, sum); }
};

struct F32Words {
  static constexpr int64_t kDepthStep = 1;
  static constexpr bool kInPlace = true;
};

// f32 words that hold bf16 values: for processors without products of bf16.
struct RoundedWords {
  static constexpr int64_t kDepthStep = 1;
  static constexpr bool kInPlace = false;

  static void along_depth(const float* x, int64_t count, float* words) {
    uint16_t halves[Vec::kWidth] = {};
    int64_t i = 0;
    for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
      Vec::load(x + i).store_bf16(halves);
      Vec::load_bf16(halves).store(words + i);
    }
    for (; i < count; ++i) {
      float padded[Vec::kWidth];
      Vec::all(x[i]).store_bf16(halves);
      Vec::load_bf16(halves).store(padded);
      words[i] = padded[0];
    }
  }
  static void across_lanes(const float* const* rows, int64_t lanes, float* words) {
    along_depth(rows[0], lanes, words);
  }
};

template <typename Format>
void pack(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth, int64_t depths,
          int64_t tile, float* out, float* scratch) {
  if (tile == kRows) {
    pack_panels<Format, kRows>(operand, first, lanes, depth, depths, out, scratch);
  } else {
    pack_panels<Format, kColumns>(operand, first, lanes, depth, depths, out, scratch);
  }
}

}  // namespace

extern const GemmKernels kGemm;
const GemmKernels kGemm = {kRows, kColumns, 1, pack<F32Words>, multiply_panels<F32Product>};
extern const GemmKernels kGemmBf16;
const GemmKernels kGemmBf16 = {kRows, kColumns, 1, pack<RoundedWords>, multiply_panels<F32Product>};

}  // namespace onmal::kernels::ONMAL_ISA
