#pragma once

#include <cstdint>

namespace onmal::kernels {

// One head of one sequence. Strides are in floats from one token to the next. Query t stands at key
// index first_position + t and sees keys [lowest(t), highest(t)): see Backend::attention for the
// masks.
struct AttentionHead {
  const float* q;
  const float* k;
  const float* v;
  float* out;
  float* log_sums;            // [queries], or null
  const int32_t* first_keys;  // [queries], or null
  const int32_t* key_ends;    // [queries], or null
  const float* bias;          // [distances], or null: added to the scaled scores
  int64_t distances;          // odd; key s and query t meet at entry s - t + distances / 2, clamped
  int64_t q_stride, k_stride, v_stride, out_stride;
  int64_t queries, keys;
  int64_t head_dim, value_dim;
  int64_t first_position, window;
  float scale, softcap;
  bool causal;
};

struct AttentionGradients {
  const float* dout;  // strided like out
  float* dq;          // strided like q, written
  float* dk;          // strided like k and v, added to
  float* dv;
  float* dbias;  // [distances], added to; or null
};

inline constexpr int64_t kAttentionQueryBlock = 64;
inline constexpr int64_t kAttentionKeyBlock = 64;

struct AttentionKernels {
  // Scratch floats that the functions below need for these head sizes.
  int64_t (*scratch_floats)(int64_t head_dim, int64_t value_dim, int64_t keys);
  // Queries [begin, end) of one block (at most kAttentionQueryBlock), tile after tile of keys with
  // a running softmax.
  void (*forward)(const AttentionHead& head, int64_t begin, int64_t end, float* scratch);
  // The same for few queries (decoding): every key is read once where it lies, nothing is repacked.
  void (*forward_few)(const AttentionHead& head, int64_t begin, int64_t end, float* scratch);
  // Whole head; needs out and log_sums of the forward pass.
  void (*backward)(const AttentionHead& head, const AttentionGradients& gradients, float* scratch);
};

}  // namespace onmal::kernels
