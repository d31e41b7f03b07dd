#pragma once

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {

inline constexpr int64_t kFewCachedQueries = 16;

// Values [begin, begin + count) of a tensor of f32, f16 or q8_0 (whole blocks) as floats.
void widen(const kernels::ConvertKernels& kernels, const Tensor& tensor, int64_t begin,
           int64_t count, float* out);

// Causal attention of a few queries (B = 1) over cached keys and values of f32, f16 or q8_0: the
// cache is read once for all query heads of a group, in stretches of positions that are tasks of
// their own (Flash-Decoding: Dao et al., 2023), so that few heads keep all threads busy.
void attention_over_cache(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionParams& params, const Tensor& out);

// The same for several sequences at once, whose stretches are pages; see Backend::paged_attention.
void attention_over_pages(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                          std::span<const PagedSegment> segments, const AttentionParams& params,
                          const Tensor& out);

}  // namespace onmal::cpu
