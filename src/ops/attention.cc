#include "ops/attention.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {
namespace {

// Every query must see a key: softmax over none is not a number.
void check_key_ends(const Tensor& q, const Tensor& k, const Tensor& key_ends,
                    const Tensor& first_keys) {
  check_dtype("attention", "key_ends", key_ends, DType::kI32);
  check_same_shape("attention", "key_ends", key_ends, Shape{q.dim(0), q.dim(1)});
  for (int64_t i = 0; i < key_ends.elements(); ++i) {
    const int32_t first = first_keys.defined() ? std::max(first_keys.i32()[i], 0) : 0;
    check(key_ends.i32()[i] > first && key_ends.i32()[i] <= k.dim(1), "attention", "key_ends",
          "must lie behind the query's first key and within the keys");
  }
}

void check_arguments(const Tensor& q, const Tensor& k, const Tensor& v,
                     const AttentionParams& params, const Tensor& first_keys) {
  check(q.shape().rank() == 4, "attention", "q",
        "must have four dimensions [batch, length, heads, head_dim]");
  check(k.shape().rank() == 4 && v.shape().rank() == 4, "attention", "k, v",
        "must have four dimensions");
  check(k.dim(0) == q.dim(0) && v.dim(0) == q.dim(0), "attention", "k, v",
        "must have q's batch size");
  check(k.dim(1) == v.dim(1) && k.dim(2) == v.dim(2), "attention", "v",
        "must have k's length and heads");
  check(k.dim(3) == q.dim(3), "attention", "k", "must have q's head_dim");
  check(k.dim(2) > 0 && q.dim(2) % k.dim(2) == 0, "attention", "q",
        "its heads must be a multiple of k's");
  if (params.causal) {
    check(params.first_position >= 0 && params.first_position + q.dim(1) <= k.dim(1), "attention",
          "k", "has fewer keys than the queries' positions need");
  }
  if (first_keys.defined()) {
    check_dtype("attention", "first_keys", first_keys, DType::kI32);
    check_same_shape("attention", "first_keys", first_keys, Shape{q.dim(0), q.dim(1)});
  }
  if (params.key_ends.defined()) check_key_ends(q, k, params.key_ends, first_keys);
  if (params.bias.defined()) {
    check_dtype("attention", "bias", params.bias, q.dtype());
    check(params.bias.shape().rank() == 2 && params.bias.dim(0) % 2 == 1 &&
              params.bias.dim(1) == q.dim(2),
          "attention", "bias", "must be [an odd number of distances, q's heads]");
    check(params.softcap == 0.0F && params.scale != 0.0F, "attention", "bias",
          "goes neither with a softcap nor with a scale of 0");
  }
}

}  // namespace

Tensor attention(Exec& exec, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionParams& params, const Tensor& first_keys) {
  check_arguments(q, k, v, params, first_keys);
  if (exec.attention_observer != nullptr)
    exec.attention_observer->attended(q, k, params, first_keys);
  const bool recorded = exec.tape != nullptr && Tape::tracks(q, k, v, params.bias);
  Tensor out = Tensor::empty(*exec.memory, q.shape().with_last(v.dim(3)), q.dtype());
  Tensor log_sums;
  if (recorded)
    log_sums = Tensor::empty(*exec.memory, Shape{q.dim(0), q.dim(2), q.dim(1)}, q.dtype());
  exec.backend->attention(exec, q, k, v, params, first_keys, out, log_sums);
  if (recorded) {
    // A view without the output's tag: saving `out` itself would be the same memory.
    const Tensor saved = out;
    exec.tape->record(out, [q, k, v, params, first_keys, saved, log_sums](
                               Exec& inner, const Tensor& dout, GradStore& gradients) {
      const Tensor dq = Tensor::empty(*inner.memory, q.shape(), q.dtype());
      const Tensor dk = Tensor::empty(*inner.memory, k.shape(), k.dtype());
      const Tensor dv = Tensor::empty(*inner.memory, v.shape(), v.dtype());
      Tensor dbias;
      if (Tape::tracks(params.bias)) {
        dbias = Tensor::empty(*inner.memory, params.bias.shape(), params.bias.dtype());
      }
      inner.backend->attention_backward(inner, dout, q, k, v, params, first_keys, saved, log_sums,
                                        dq, dk, dv, dbias);
      if (dbias.defined()) gradients.add(inner, params.bias, dbias);
      if (Tape::tracks(q)) gradients.add(inner, q, dq);
      if (Tape::tracks(k)) gradients.add(inner, k, dk);
      if (Tape::tracks(v)) gradients.add(inner, v, dv);
    });
  }
  return out;
}

Tensor paged_attention(Exec& exec, const Tensor& q, const Tensor& keys, const Tensor& values,
                       std::span<const PagedSegment> segments, const AttentionParams& params) {
  constexpr const char* kOp = "paged attention";
  check(q.shape().rank() == 4 && q.dim(0) == 1, kOp, "q", "must be [1, tokens, heads, head_dim]");
  check(keys.shape().rank() == 4 && values.shape().rank() == 4 && keys.dim(1) == kPageTokens &&
            values.dim(1) == kPageTokens && keys.dim(0) == values.dim(0) &&
            keys.dim(2) == values.dim(2),
        kOp, "keys, values", "must be pages of as many tokens and heads");
  check(keys.dim(3) == q.dim(3) && keys.dim(2) > 0 && q.dim(2) % keys.dim(2) == 0, kOp, "q",
        "must have the keys' head_dim and a multiple of their heads");
  int64_t tokens = 0;
  for (const PagedSegment& segment : segments) {
    tokens += segment.count;
    const auto room = static_cast<int64_t>(segment.pages.size()) * kPageTokens;
    check(segment.first >= 0 && segment.count > 0 && segment.first + segment.count <= room, kOp,
          "segments", "reach beyond their pages");
    for (const int32_t page : segment.pages)
      check(page >= 0 && page < keys.dim(0), kOp, "segments", "name a page that is not there");
  }
  check(tokens == q.dim(1), kOp, "segments", "must have as many tokens as q");
  Tensor out = Tensor::empty(*exec.memory, q.shape().with_last(values.dim(3)), q.dtype());
  exec.backend->paged_attention(exec, q, keys, values, segments, params, out);
  return out;
}

}  // namespace onmal
