#pragma once

#include <span>

#include "ops/backend.h"

namespace onmal {

// Told of every call of attention(), before it runs: Exec::attention_observer.
class AttentionObserver {
 public:
  virtual ~AttentionObserver() = default;
  // Shapes, params and first_keys as attention() takes them.
  virtual void attended(const Tensor& q, const Tensor& k, const AttentionParams& params,
                        const Tensor& first_keys) = 0;
};

// softmax(scale * q · k^T, masked) · v with grouped heads; see Backend::attention for shapes and
// masks. Never holds a T x S matrix: tiles with a running softmax forward, recomputed tiles
// backward (Dao et al., 2022). k and v may be f16 (a cache) when nothing is recorded.
Tensor attention(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionParams& params, const Tensor& first_keys = {});

// Causal attention of several sequences over their pages, see Backend::paged_attention; nothing is
// recorded. Throws Error(kInvalidArgument) for segments that do not fit q or the pages.
Tensor paged_attention(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                       std::span<const PagedSegment> segments, const AttentionParams& params);

}  // namespace onmal
