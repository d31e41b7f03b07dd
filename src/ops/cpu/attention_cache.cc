#include "ops/cpu/attention_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace onmal::cpu {
namespace {

using kernels::AttentionHead;

constexpr int64_t kStretch = 128;       // positions of a task
constexpr int64_t kFewestTogether = 3;  // heads of a group for which turning the keys around pays
constexpr int64_t kRowsPerTask = 16;

struct Range {
  int64_t begin, end;
};

// What all tasks share. Parts of a stretch: results [T * H, E] and log sums [T * H].
struct Problem {
  Exec& exec;
  const Tensor& q;
  const Tensor& k;
  const Tensor& v;
  const AttentionParams& params;
  int64_t first_stretch;
  int64_t stretches;
  float* parts;
  float* log_sums;

  int64_t queries() const { return q.dim(1); }
  int64_t heads() const { return q.dim(2); }
  int64_t rows() const { return queries() * heads(); }
  int64_t value_dim() const { return v.dim(3); }

  // Positions of a stretch that a query sees.
  Range visible(int64_t query, int64_t stretch) const {
    const int64_t position = params.first_position + query;
    const int64_t lowest = params.window > 0 ? position - params.window + 1 : 0;
    const int64_t start = (first_stretch + stretch) * kStretch;
    return {std::max(start, lowest), std::min(start + kStretch, position + 1)};
  }
};

struct Rows {
  const float* data;
  int64_t stride;
};

// One head of positions [begin, end) as floats: in place, or widened into `room`.
Rows rows_of(const Problem& p, const Tensor& cache, int64_t head, int64_t begin, int64_t end,
             float* room) {
  const int64_t dim = cache.dim(3);
  const int64_t width = cache.dim(2) * dim;
  if (cache.dtype() == DType::kF32) return {cache.f32() + begin * width + head * dim, width};
  for (int64_t s = begin; s < end; ++s) {
    widen(*p.exec.backend->kernels->convert, cache, s * width + head * dim, dim,
          room + (s - begin) * dim);
  }
  return {room, dim};
}

// All query heads of one key/value head over one stretch.
void attend(const Problem& p, int64_t group, int64_t stretch, float* scratch) {
  const int64_t together = p.heads() / p.k.dim(2);
  const int64_t start = (p.first_stretch + stretch) * kStretch;
  const int64_t end = std::min(start + kStretch, p.k.dim(1));
  float* key_room = scratch;
  float* value_room = key_room + kStretch * p.k.dim(3);
  float* kernel_scratch = value_room + kStretch * p.value_dim();
  const Rows keys = rows_of(p, p.k, group, start, end, key_room);
  const Rows values = rows_of(p, p.v, group, start, end, value_room);
  const kernels::AttentionKernels& kernels = *p.exec.backend->kernels->attention;
  for (int64_t t = 0; t < p.queries(); ++t) {
    const Range range = p.visible(t, stretch);
    if (range.begin >= range.end) continue;
    const int64_t row = t * p.heads() + group * together;
    const int64_t part = stretch * p.rows() + row;
    // The heads of the group are the kernel's queries: all see the same keys.
    AttentionHead head{};
    head.q = p.q.f32() + row * p.q.dim(3);
    head.k = keys.data + (range.begin - start) * keys.stride;
    head.v = values.data + (range.begin - start) * values.stride;
    head.out = p.parts + part * p.value_dim();
    head.log_sums = p.log_sums + part;
    head.q_stride = p.q.dim(3);
    head.k_stride = keys.stride;
    head.v_stride = values.stride;
    head.out_stride = p.value_dim();
    head.queries = together;
    head.keys = range.end - range.begin;
    head.head_dim = p.q.dim(3);
    head.value_dim = p.value_dim();
    head.scale = p.params.scale;
    head.softcap = p.params.softcap;
    const auto run = together < kFewestTogether ? kernels.forward_few : kernels.forward;
    for (int64_t first = 0; first < together; first += kernels::kAttentionQueryBlock) {
      run(head, first, std::min(together, first + kernels::kAttentionQueryBlock), kernel_scratch);
    }
  }
}

// The stretches' results weighed by their softmax denominators.
void join_row(const Problem& p, int64_t row, float* out) {
  const int64_t query = row / p.heads();
  const auto seen = [&](int64_t stretch) {
    const Range range = p.visible(query, stretch);
    return range.begin < range.end;
  };
  float largest = -INFINITY;
  for (int64_t s = 0; s < p.stretches; ++s) {
    if (seen(s)) largest = std::max(largest, p.log_sums[s * p.rows() + row]);
  }
  const kernels::ElementwiseKernels& kernels = *p.exec.backend->kernels->elementwise;
  std::fill_n(out, p.value_dim(), 0.0F);
  float total = 0.0F;
  for (int64_t s = 0; s < p.stretches; ++s) {
    if (!seen(s)) continue;
    const float weight = std::exp(p.log_sums[s * p.rows() + row] - largest);
    kernels.axpy(weight, p.parts + (s * p.rows() + row) * p.value_dim(), out, p.value_dim());
    total += weight;
  }
  kernels.scale(1.0F / total, out, out, p.value_dim());
}

}  // namespace

void widen(const kernels::ConvertKernels& kernels, const Tensor& tensor, int64_t begin,
           int64_t count, float* out) {
  const std::byte* place = tensor.data_as<std::byte>() + dtype_bytes(tensor.dtype(), begin);
  switch (tensor.dtype()) {
    case DType::kF32:
      std::copy_n(tensor.f32() + begin, count, out);
      return;
    case DType::kF16:
      return kernels.f16_to_f32(reinterpret_cast<const uint16_t*>(place), out, count);
    default:
      ONMAL_ASSERT(tensor.dtype() == DType::kQ8_0);
      kernels.q8_0_to_f32(reinterpret_cast<const BlockQ8_0*>(place), out, count);
  }
}

void attention_over_cache(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionParams& params, const Tensor& out) {
  const int64_t last = params.first_position + q.dim(1) - 1;
  const int64_t lowest =
      params.window > 0 ? std::max<int64_t>(0, params.first_position - params.window + 1) : 0;
  const int64_t first_stretch = lowest / kStretch;
  const int64_t stretches = last / kStretch + 1 - first_stretch;
  // Room for a power of two of them: a growing cache then seldom asks for more.
  const auto room = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(stretches)));
  const int64_t rows = q.dim(1) * q.dim(2);
  const Tensor log_sums = Tensor::empty(*exec.memory, Shape{room, rows});
  const Tensor parts = room == 1 ? out : Tensor::empty(*exec.memory, Shape{room, rows, v.dim(3)});
  const int64_t floats =
      kStretch * (k.dim(3) + v.dim(3)) +
      exec.backend->kernels->attention->scratch_floats(k.dim(3), v.dim(3), kStretch);
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{exec.pool->threads(), floats});
  const Problem problem{exec,          q, k, v, params, first_stretch, stretches, parts.f32(),
                        log_sums.f32()};
  const int64_t groups = k.dim(2);
  exec.pool->run(stretches * groups, [&](int64_t task, int thread) {
    attend(problem, task % groups, task / groups, scratch.f32() + thread * floats);
  });
  if (room == 1) return;
  exec.pool->for_blocks(0, rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) join_row(problem, row, out.f32() + row * v.dim(3));
  });
}

}  // namespace onmal::cpu
