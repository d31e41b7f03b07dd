#include <algorithm>
#include <initializer_list>
#include <utility>

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

constexpr int64_t kNormValuesPerTask = 1 << 14;
// Blocks of rows whose weight gradients are added up apart, then in order: their number depends on
// the shape alone.
constexpr int64_t kMostPartials = 16;

int64_t rows_per_task(int64_t dim) { return std::max<int64_t>(1, kNormValuesPerTask / dim); }

float* at(const Tensor& tensor, int64_t offset) {
  return tensor.defined() ? tensor.f32() + offset : nullptr;
}

// Runs body(block, begin, end, partial row) over blocks of rows and adds the partial sums up in
// order into each of `targets` (undefined ones are skipped; partial row i belongs to target i).
template <typename Body>
void with_partials(Exec& exec, int64_t rows, int64_t dim,
                   std::initializer_list<std::pair<Tensor, bool>> targets, Body&& body) {
  const int64_t least = rows_per_task(dim);
  const int64_t block = std::max(least, (rows + kMostPartials - 1) / kMostPartials);
  const int64_t blocks = (rows + block - 1) / block;
  const auto width = static_cast<int64_t>(targets.size()) * dim;
  const Tensor partials = Tensor::empty(*exec.memory, Shape{blocks, width});
  exec.pool->run(blocks, [&](int64_t task, int) {
    float* partial = partials.f32() + task * width;
    std::fill_n(partial, width, 0.0F);
    body(task * block, std::min(rows, (task + 1) * block), partial);
  });
  int64_t offset = 0;
  for (const auto& [target, accumulate] : targets) {
    if (target.defined()) {
      if (!accumulate) std::fill_n(target.f32(), dim, 0.0F);
      for (int64_t b = 0; b < blocks; ++b) {
        exec.backend->kernels->elementwise->add(target.f32(), partials.f32() + b * width + offset,
                                                target.f32(), dim);
      }
    }
    offset += dim;
  }
}

// Calls body(row, rows, group) for stretches of rows that share a row of weights: all of them with
// one group, each by itself with more.
template <typename Body>
void for_groups(int64_t begin, int64_t end, int64_t groups, Body&& body) {
  if (groups == 1) return body(begin, end - begin, 0);
  for (int64_t row = begin; row < end; ++row) body(row, 1, row % groups);
}

}  // namespace

void rms_norm(Exec& exec, const Tensor& x, const Tensor& weight, float eps, const Tensor& out,
              const Tensor& inverse_rms) {
  const int64_t dim = x.dim(-1);
  exec.pool->for_blocks(0, x.shape().rows(), rows_per_task(dim), [&](int64_t begin, int64_t end) {
    exec.backend->kernels->norm->rms_norm(x.f32() + begin * dim, weight.f32(), eps, end - begin,
                                          dim, out.f32() + begin * dim, at(inverse_rms, begin));
  });
}

void rms_norm_backward(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& weight,
                       const Tensor& inverse_rms, const Tensor& dx, bool accumulate_dx,
                       const Tensor& dweight, bool accumulate_dweight) {
  const int64_t dim = x.dim(-1);
  with_partials(exec, x.shape().rows(), dim, {{dweight, accumulate_dweight}},
                [&](int64_t begin, int64_t end, float* partial) {
                  exec.backend->kernels->norm->rms_norm_backward(
                      dout.f32() + begin * dim, x.f32() + begin * dim, weight.f32(),
                      inverse_rms.f32() + begin, end - begin, dim, at(dx, begin * dim),
                      accumulate_dx, dweight.defined() ? partial : nullptr);
                });
}

void layer_norm(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps,
                const Tensor& out, const NormSaved& saved) {
  const int64_t dim = x.dim(-1);
  const int64_t groups = weight.shape().rows();
  exec.pool->for_blocks(0, x.shape().rows(), rows_per_task(dim), [&](int64_t begin, int64_t end) {
    for_groups(begin, end, groups, [&](int64_t row, int64_t rows, int64_t group) {
      exec.backend->kernels->norm->layer_norm(
          x.f32() + row * dim, weight.f32() + group * dim, at(bias, group * dim), eps, rows, dim,
          out.f32() + row * dim, at(saved.mean, row), at(saved.inverse_deviation, row));
    });
  });
}

void layer_norm_backward(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& weight,
                         const NormSaved& saved, const Tensor& dx, bool accumulate_dx,
                         const Tensor& dweight, bool accumulate_dweight, const Tensor& dbias,
                         bool accumulate_dbias) {
  const int64_t dim = x.dim(-1);
  const int64_t groups = weight.shape().rows();
  with_partials(exec, x.shape().rows(), groups * dim,
                {{dweight, accumulate_dweight}, {dbias, accumulate_dbias}},
                [&](int64_t begin, int64_t end, float* partial) {
                  for_groups(begin, end, groups, [&](int64_t row, int64_t rows, int64_t group) {
                    exec.backend->kernels->norm->layer_norm_backward(
                        dout.f32() + row * dim, x.f32() + row * dim, weight.f32() + group * dim,
                        saved.mean.f32() + row, saved.inverse_deviation.f32() + row, rows, dim,
                        at(dx, row * dim), accumulate_dx,
                        dweight.defined() ? partial + group * dim : nullptr,
                        dbias.defined() ? partial + (groups + group) * dim : nullptr);
                  });
                });
}

}  // namespace onmal::cpu
