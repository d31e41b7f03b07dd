#include <algorithm>

#include "ops/cpu/cpu_ops.h"
#include "ops/cpu/gemm.h"

namespace onmal::cpu {
namespace {

using kernels::GemmOperand;

constexpr int64_t kChunkBytes = int64_t{8} << 20;  // of logits held at once
constexpr int64_t kFewestChunkRows = 64;
constexpr int64_t kRowsPerTask = 4;

struct Chunk {
  int64_t begin, rows;
};

// logits[rows, V] = x rows · w^T
void chunk_logits(Exec& exec, const Tensor& x, const Tensor& w, const Chunk& chunk, float* logits) {
  const int64_t inner = w.dim(1);
  const GemmOperand left{x.f32() + chunk.begin * inner, DType::kF32, inner, true};
  const GemmOperand right{w.data(), w.dtype(), inner, true};
  gemm(exec, chunk.rows, w.dim(0), inner, left, right, nullptr, logits, w.dim(0), false);
}

// Turns each row of logits into its gradient (when wanted) and writes its loss.
void chunk_losses(Exec& exec, const Tensor& targets, const CrossEntropyParams& params,
                  const Chunk& chunk, int64_t vocabulary, float gradient_scale, float* logits,
                  float* losses) {
  exec.pool->for_blocks(0, chunk.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int32_t target = targets.i32()[chunk.begin + r];
      float* row = logits + r * vocabulary;
      if (target == params.ignored) {
        losses[chunk.begin + r] = 0.0F;
        if (gradient_scale != 0.0F) std::fill_n(row, vocabulary, 0.0F);
        continue;
      }
      losses[chunk.begin + r] = exec.backend->kernels->softmax->cross_entropy_row(
          row, vocabulary, target, params.softcap, gradient_scale);
    }
  });
}

}  // namespace

void linear_cross_entropy(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& targets,
                          const CrossEntropyParams& params, const Tensor& losses,
                          double gradient_scale, const Tensor& dx, const Tensor& dw) {
  const int64_t vocabulary = w.dim(0);
  const int64_t inner = w.dim(1);
  const int64_t fitting = kChunkBytes / (vocabulary * static_cast<int64_t>(sizeof(float)));
  const int64_t chunk_rows = std::min(x.dim(0), std::max(kFewestChunkRows, fitting / 32 * 32));
  const Tensor logits = Tensor::empty(*exec.memory, Shape{chunk_rows, vocabulary});
  const bool wants_gradient = dx.defined() || dw.defined();
  for (int64_t begin = 0; begin < x.dim(0); begin += chunk_rows) {
    const Chunk chunk{begin, std::min(chunk_rows, x.dim(0) - begin)};
    chunk_logits(exec, x, w, chunk, logits.f32());
    chunk_losses(exec, targets, params, chunk, vocabulary,
                 wants_gradient ? static_cast<float>(gradient_scale) : 0.0F, logits.f32(),
                 losses.f32());
    const GemmOperand slopes{logits.data(), DType::kF32, vocabulary, true};
    if (dx.defined()) {
      const GemmOperand right{w.data(), w.dtype(), inner, false};
      gemm(exec, chunk.rows, inner, vocabulary, slopes, right, nullptr, dx.f32() + begin * inner,
           inner, false);
    }
    if (dw.defined()) {
      const GemmOperand left{logits.data(), DType::kF32, vocabulary, false};
      const GemmOperand right{x.f32() + begin * inner, DType::kF32, inner, false};
      gemm(exec, vocabulary, inner, chunk.rows, left, right, nullptr, dw.f32(), inner, begin > 0);
    }
  }
}

}  // namespace onmal::cpu
