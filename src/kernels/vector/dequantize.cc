#include "kernels/vector/dequantize.h"

#include "kernels/vector/int8_formats.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

struct Action {
  const void* data;
  int64_t first;
  int64_t groups;
  float* out;

  template <typename Format>
  void run() {
    float scales[16];
    float minima[16] = {};
    const int64_t end = first + groups;
    for (int64_t g = first; g < end;) {
      const int64_t step = g / kInt8Step;
      const int64_t last = end < (step + 1) * kInt8Step ? end : (step + 1) * kInt8Step;
      const auto* block = step_at<Format>(data, step);
      // Blocks behind the last group asked for may lie outside the tensor.
      Format::scales(block, static_cast<int>(last - step * kInt8Step), scales, minima);
      for (; g < last; ++g, out += kInt8Group)
        one_group<Format>(block, static_cast<int>(g - step * kInt8Step), scales, minima);
    }
  }

  template <typename Format>
  ONMAL_INLINE void one_group(const typename Format::Block* block, int g, const float* scales,
                              const float* minima) {
    uint8_t u[kInt8Group];
    Format::bytes(block, g).store(u);
    constexpr int kHalf = kInt8Group / Format::kHalves;
    for (int h = 0; h < Format::kHalves; ++h) {
      const float scale = scales[g * Format::kHalves + h];
      const float minimum = Format::kHasMinimum ? minima[g * Format::kHalves + h] : 0.0F;
      for (int i = 0; i < kHalf; ++i) {
        const int value = u[h * kHalf + i] - Format::kZero;
        out[h * kHalf + i] = scale * static_cast<float>(value) - minimum;
      }
    }
  }
};

}  // namespace

void dequantize_groups(DType dtype, const void* data, int64_t first, int64_t groups, float* out) {
  with_format(dtype, Action{data, first, groups, out});
}

}  // namespace onmal::kernels::ONMAL_ISA
