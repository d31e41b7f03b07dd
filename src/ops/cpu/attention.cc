#include <algorithm>
#include <bit>

#include "ops/cpu/attention_cache.h"
#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

using kernels::AttentionHead;

// Up to so many queries are cheaper read straight from where the keys lie.
constexpr int64_t kFewQueries = 4;
constexpr int64_t kRopeTokensPerTask = 32;

// [rows, columns] turned into [columns, rows]; undefined stays so.
Tensor transposed(Exec& exec, const Tensor& table) {
  if (!table.defined()) return {};
  const Tensor result = Tensor::empty(*exec.memory, Shape{table.dim(1), table.dim(0)});
  for (int64_t r = 0; r < table.dim(0); ++r) {
    for (int64_t c = 0; c < table.dim(1); ++c)
      result.f32()[c * table.dim(0) + r] = table.f32()[r * table.dim(1) + c];
  }
  return result;
}

// Sums of [B * H, D] over the sequences into dbias [D, H], in their order.
void sum_bias_gradients(const Tensor& parts, const Tensor& dbias) {
  const int64_t distances = dbias.dim(0);
  const int64_t heads = dbias.dim(1);
  for (int64_t d = 0; d < distances; ++d) {
    for (int64_t h = 0; h < heads; ++h) {
      float sum = 0.0F;
      for (int64_t row = h; row < parts.dim(0); row += heads)
        sum += parts.f32()[row * distances + d];
      dbias.f32()[d * heads + h] = sum;
    }
  }
}

// Head h of sequence b; biases [H, D], or undefined.
AttentionHead head_of(const Tensor& q, const Tensor& k, const Tensor& v,
                      const AttentionParams& params, const Tensor& biases, const Tensor& first_keys,
                      const Tensor& out, const Tensor& log_sums, int64_t b, int64_t h) {
  const int64_t group = h / (q.dim(2) / k.dim(2));
  AttentionHead head{};
  head.q_stride = q.dim(2) * q.dim(3);
  head.k_stride = k.dim(2) * k.dim(3);
  head.v_stride = v.dim(2) * v.dim(3);
  head.out_stride = q.dim(2) * v.dim(3);
  head.queries = q.dim(1);
  head.keys = k.dim(1);
  head.head_dim = q.dim(3);
  head.value_dim = v.dim(3);
  head.q = q.f32() + b * head.queries * head.q_stride + h * head.head_dim;
  head.k = k.f32() + b * head.keys * head.k_stride + group * head.head_dim;
  head.v = v.f32() + b * head.keys * head.v_stride + group * head.value_dim;
  head.out = out.f32() + b * head.queries * head.out_stride + h * head.value_dim;
  head.log_sums = log_sums.defined() ? log_sums.f32() + (b * q.dim(2) + h) * head.queries : nullptr;
  head.first_keys = first_keys.defined() ? first_keys.i32() + b * head.queries : nullptr;
  head.key_ends = params.key_ends.defined() ? params.key_ends.i32() + b * head.queries : nullptr;
  head.bias = biases.defined() ? biases.f32() + h * biases.dim(1) : nullptr;
  head.distances = biases.defined() ? biases.dim(1) : 0;
  head.first_position = params.first_position;
  head.window = params.window;
  head.scale = params.scale;
  head.softcap = params.softcap;
  head.causal = params.causal;
  return head;
}

// Keys [1, S, G, D] of positions from `begin` on (a multiple of kPageTokens) to `end`, as floats.
Tensor gathered(Exec& exec, const Tensor& cache, std::span<const int32_t> pages, int64_t begin,
                int64_t end) {
  const int64_t count = end - begin;
  const int64_t width = cache.dim(2) * cache.dim(3);
  // Room for a power of two of pages: a growing prompt then asks for few sizes.
  const auto page_count = static_cast<uint64_t>((count + kPageTokens - 1) / kPageTokens);
  const auto room = static_cast<int64_t>(std::bit_ceil(page_count)) * kPageTokens;
  const Tensor out = Tensor::empty(*exec.memory, Shape{room, cache.dim(2), cache.dim(3)});
  exec.pool->for_blocks(0, count, kPageTokens, [&](int64_t from, int64_t to) {
    const int64_t page = pages[static_cast<size_t>((begin + from) / kPageTokens)];
    widen(*exec.backend->kernels->convert, cache, page * kPageTokens * width, (to - from) * width,
          out.f32() + from * width);
  });
  return out.slice(0, count).reshaped(Shape{1, count, cache.dim(2), cache.dim(3)});
}

// Rows [row, row + count) of [1, T, H, D].
Tensor tokens_of(const Tensor& tensor, int64_t row, int64_t count) {
  const Tensor rows = tensor.reshaped(Shape{tensor.dim(1), tensor.dim(2), tensor.dim(3)});
  return rows.slice(row, row + count).reshaped(Shape{1, count, tensor.dim(2), tensor.dim(3)});
}

// A cache in another format than f32, widened as a whole: for prefill, which reads it many times.
Tensor widened(Exec& exec, const Tensor& cache) {
  if (cache.dtype() == DType::kF32) return cache;
  const Tensor out = Tensor::empty(*exec.memory, cache.shape());
  const int64_t width = cache.dim(2) * cache.dim(3);
  constexpr int64_t kKeysPerTask = 64;
  exec.pool->for_blocks(0, cache.dim(0) * cache.dim(1), kKeysPerTask,
                        [&](int64_t begin, int64_t end) {
                          widen(*exec.backend->kernels->convert, cache, begin * width,
                                (end - begin) * width, out.f32() + begin * width);
                        });
  return out;
}

// All heads over keys and values of f32; `few`: read where they lie, nothing repacked.
void attend(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
            const AttentionParams& params, const Tensor& first_keys, bool few, const Tensor& out,
            const Tensor& log_sums) {
  const kernels::AttentionKernels& kernels = *exec.backend->kernels->attention;
  const int64_t queries = q.dim(1);
  const int64_t blocks =
      (queries + kernels::kAttentionQueryBlock - 1) / kernels::kAttentionQueryBlock;
  const int64_t floats = kernels.scratch_floats(q.dim(3), v.dim(3), few ? k.dim(1) : 0);
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{exec.pool->threads(), floats});
  const Tensor biases = transposed(exec, params.bias);
  const int64_t heads = q.dim(0) * q.dim(2);
  exec.pool->run(heads * blocks, [&](int64_t task, int thread) {
    // Long rows of the causal triangle first, so that the threads end together.
    const int64_t block = blocks - 1 - task / heads;
    const int64_t h = task % heads;
    const AttentionHead head =
        head_of(q, k, v, params, biases, first_keys, out, log_sums, h / q.dim(2), h % q.dim(2));
    const int64_t begin = block * kernels::kAttentionQueryBlock;
    const int64_t end = std::min(queries, begin + kernels::kAttentionQueryBlock);
    (few ? kernels.forward_few : kernels.forward)(head, begin, end,
                                                  scratch.f32() + thread * floats);
  });
}

}  // namespace

void attention(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
               const AttentionParams& params, const Tensor& first_keys, const Tensor& out,
               const Tensor& log_sums) {
  const bool plain = q.dim(0) == 1 && params.causal && !first_keys.defined() &&
                     !params.key_ends.defined() && !params.bias.defined();
  if (plain && q.dim(1) <= kFewCachedQueries && !log_sums.defined())
    return attention_over_cache(exec, q, keys, values, params, out);
  attend(exec, q, widened(exec, keys), widened(exec, values), params, first_keys,
         q.dim(1) <= kFewQueries, out, log_sums);
}

// Segments of few queries, one dispatch over stretches and heads for each run of them; those of
// many read their pages as one piece.
void paged_attention(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                     std::span<const PagedSegment> segments, const AttentionParams& params,
                     const Tensor& out) {
  int64_t row = 0;
  for (size_t i = 0; i < segments.size();) {
    int64_t count = segments[i].count;
    size_t end = i + 1;
    if (!segments[i].many) {
      for (; end < segments.size() && !segments[end].many; ++end) count += segments[end].count;
      attention_over_pages(exec, tokens_of(q, row, count), keys, values,
                           segments.subspan(i, end - i), params, tokens_of(out, row, count));
    } else {
      const PagedSegment& segment = segments[i];
      const int64_t lowest =
          params.window > 0 ? std::max<int64_t>(0, segment.first - params.window + 1) : 0;
      const int64_t begin = lowest / kPageTokens * kPageTokens;
      AttentionParams own = params;
      own.first_position = segment.first - begin;
      const Tensor k = gathered(exec, keys, segment.pages, begin, segment.first + count);
      const Tensor v = gathered(exec, values, segment.pages, begin, segment.first + count);
      attend(exec, tokens_of(q, row, count), k, v, own, Tensor(), false, tokens_of(out, row, count),
             Tensor());
    }
    row += count;
    i = end;
  }
}

void attention_backward(Exec& exec, const Tensor& dout, const Tensor& q, const Tensor& k,
                        const Tensor& v, const AttentionParams& params, const Tensor& first_keys,
                        const Tensor& out, const Tensor& log_sums, const Tensor& dq,
                        const Tensor& dk, const Tensor& dv, const Tensor& dbias) {
  const kernels::AttentionKernels& kernels = *exec.backend->kernels->attention;
  const int64_t floats = kernels.scratch_floats(q.dim(3), v.dim(3), 0);
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{exec.pool->threads(), floats});
  const int64_t groups = k.dim(2);
  const int64_t heads_per_group = q.dim(2) / groups;
  const Tensor biases = transposed(exec, params.bias);
  Tensor bias_parts;
  if (dbias.defined())
    bias_parts = Tensor::zeros(*exec.memory, Shape{q.dim(0) * q.dim(2), dbias.dim(0)});
  // One task per key/value head: its query heads add to the same dk and dv, in order.
  exec.pool->run(q.dim(0) * groups, [&](int64_t task, int thread) {
    const int64_t b = task / groups;
    const int64_t first = task % groups * heads_per_group;
    for (int64_t h = first; h < first + heads_per_group; ++h) {
      const AttentionHead head = head_of(q, k, v, params, biases, first_keys, out, log_sums, b, h);
      const kernels::AttentionGradients gradients{
          dout.f32() + (head.out - out.f32()), dq.f32() + (head.q - q.f32()),
          dk.f32() + (head.k - k.f32()), dv.f32() + (head.v - v.f32()),
          bias_parts.defined() ? bias_parts.f32() + (b * q.dim(2) + h) * head.distances : nullptr};
      if (h == first) {
        for (int64_t s = 0; s < head.keys; ++s) {
          std::fill_n(gradients.dk + s * head.k_stride, head.head_dim, 0.0F);
          std::fill_n(gradients.dv + s * head.v_stride, head.value_dim, 0.0F);
        }
      }
      kernels.backward(head, gradients, scratch.f32() + thread * floats);
    }
  });
  if (dbias.defined()) sum_bias_gradients(bias_parts, dbias);
}

void rope(Exec& exec, const Tensor& x, const Tensor& cosines, const Tensor& sines,
          const Tensor& positions, RopeStyle style, bool inverse, const Tensor& out) {
  const kernels::RopeKernels& kernels = *exec.backend->kernels->rope;
  const auto rotate =
      style == RopeStyle::kHalves ? kernels.rotate_halves : kernels.rotate_interleaved;
  const int64_t half = cosines.dim(1);
  const int64_t width = x.dim(2) * x.dim(3);
  const float sign = inverse ? -1.0F : 1.0F;
  exec.pool->for_blocks(0, x.dim(0) * x.dim(1), kRopeTokensPerTask,
                        [&](int64_t begin, int64_t end) {
                          for (int64_t token = begin; token < end; ++token) {
                            const int64_t row = positions.i32()[token] * half;
                            rotate(x.f32() + token * width, cosines.f32() + row, sines.f32() + row,
                                   sign, x.dim(2), x.dim(3), half, out.f32() + token * width);
                          }
                        });
}

}  // namespace onmal::cpu
