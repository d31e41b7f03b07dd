#include <algorithm>

#include "ops/cpu/cpu_ops.h"
#include "ops/cpu/gemm.h"

namespace onmal::cpu {
namespace {

using kernels::GemmOperand;

// Logits held at once. Each chunk reads the weights three times and adds to all of dw, so a large
// vocabulary gets more bytes rather than few rows.
constexpr int64_t kChunkBytes = int64_t{16} << 20;
constexpr int64_t kMostChunkBytes = int64_t{64} << 20;
constexpr int64_t kGoodChunkRows = 256;
constexpr int64_t kFewestChunkRows = 32;
constexpr int64_t kLossRowsPerTask = 4;

struct Chunk {
  int64_t begin, rows;
};

int64_t rows_per_chunk(int64_t vocabulary) {
  const int64_t row_bytes = vocabulary * static_cast<int64_t>(sizeof(float));
  const int64_t allowed = std::min(kGoodChunkRows, kMostChunkBytes / row_bytes);
  return std::max({kFewestChunkRows, allowed, kChunkBytes / row_bytes}) / 32 * 32;
}

// logits[rows, V] = x rows · w^T (+ bias)
void chunk_logits(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                  const Chunk& chunk, float* logits) {
  const int64_t inner = w.dim(1);
  const GemmOperand left{x.f32() + chunk.begin * inner, DType::kF32, inner, true};
  const GemmOperand right{w.data(), w.dtype(), inner, true};
  gemm(exec, chunk.rows, w.dim(0), inner, left, right, bias.defined() ? bias.f32() : nullptr,
       logits, w.dim(0), false);
}

// Turns each row of logits into its gradient (when wanted) and writes its loss.
void chunk_losses(Exec& exec, const Tensor& targets, const CrossEntropyParams& params,
                  const Chunk& chunk, int64_t vocabulary, float gradient_scale, float* logits,
                  float* losses) {
  exec.pool->for_blocks(0, chunk.rows, kLossRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int32_t target = targets.i32()[chunk.begin + r];
      float* row = logits + r * vocabulary;
      if (target == params.ignored) {
        losses[chunk.begin + r] = 0.0F;
        if (gradient_scale != 0.0F) std::fill_n(row, vocabulary, 0.0F);
        continue;
      }
      const float weight =
          params.row_weights.defined() ? params.row_weights.f32()[chunk.begin + r] : 1.0F;
      const float slope = gradient_scale * weight;
      losses[chunk.begin + r] = weight * exec.backend->kernels->softmax->cross_entropy_row(
                                             row, vocabulary, target, params.softcap, slope);
      if (gradient_scale != 0.0F && slope == 0.0F) std::fill_n(row, vocabulary, 0.0F);
    }
  });
}

void fill_zero(const Tensor& tensor) {
  if (tensor.defined()) std::fill_n(tensor.f32(), tensor.elements(), 0.0F);
}

}  // namespace

void linear_cross_entropy(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& targets,
                          const CrossEntropyParams& params, const Tensor& losses,
                          double gradient_scale, const Tensor& dx, const Tensor& dw,
                          const Tensor& dbias) {
  const int64_t vocabulary = w.dim(0);
  const int64_t inner = w.dim(1);
  const int64_t chunk_rows = std::min(x.dim(0), rows_per_chunk(vocabulary));
  const bool wants_gradient = dx.defined() || dw.defined() || dbias.defined();
  if (wants_gradient && (x.dim(0) == 0 || gradient_scale == 0.0)) {
    fill_zero(dx);
    fill_zero(dw);
    fill_zero(dbias);
    if (x.dim(0) > 0) linear_cross_entropy(exec, x, w, targets, params, losses, 0.0, {}, {}, {});
    return;
  }
  const Tensor logits = Tensor::empty(*exec.memory, Shape{chunk_rows, vocabulary});
  for (int64_t begin = 0; begin < x.dim(0); begin += chunk_rows) {
    const Chunk chunk{begin, std::min(chunk_rows, x.dim(0) - begin)};
    chunk_logits(exec, x, w, params.bias, chunk, logits.f32());
    chunk_losses(exec, targets, params, chunk, vocabulary,
                 wants_gradient ? static_cast<float>(gradient_scale) : 0.0F, logits.f32(),
                 losses.f32());
    const GemmOperand slopes{logits.data(), DType::kF32, vocabulary, true};
    if (dx.defined()) {
      const GemmOperand right{w.data(), w.dtype(), inner, false};
      gemm(exec, chunk.rows, inner, vocabulary, slopes, right, nullptr, dx.f32() + begin * inner,
           inner, false);
    }
    if (dbias.defined())
      exec.backend->sum_rows(exec, logits.slice(0, chunk.rows), dbias, begin > 0);
    if (dw.defined()) {
      const GemmOperand left{logits.data(), DType::kF32, vocabulary, false};
      const GemmOperand right{x.f32() + begin * inner, DType::kF32, inner, false};
      gemm(exec, vocabulary, inner, chunk.rows, left, right, nullptr, dw.f32(), inner, begin > 0);
    }
  }
}

}  // namespace onmal::cpu
