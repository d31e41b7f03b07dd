#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "autograd/exec.h"
#include "kernels/table.h"
#include "tensor/tensor.h"

// A device is a table of ops. Shapes and dtypes were checked by the op that calls; `out` tensors
// are allocated. `accumulate` means add into the output instead of overwriting it. Functions run on
// exec.pool and take scratch from exec.memory. Every function gives the same bits for any number of
// threads.
namespace onmal {

enum class Activation : uint8_t { kSilu, kGeluTanh, kGeluErf, kRelu };

struct NormSaved {
  Tensor mean;               // [rows], layer norm only
  Tensor inverse_deviation;  // [rows]
};

struct AttentionParams {
  float scale = 1.0F;          // scores = scale * q·k
  int64_t first_position = 0;  // query row t stands at key index first_position + t
  bool causal = true;          // key index <= query's
  int64_t window = 0;          // > 0: only the last `window` keys, the query's own included
  float softcap = 0.0F;        // > 0: scores = softcap * tanh(scores / softcap)
  // Undefined, or i32 [B, T]: one past the highest key a query may see (padding, texts packed
  // together).
  Tensor key_ends{};
  // Undefined, or [D, H], D odd: row (key index - query's) + D / 2, clamped to the table's ends, is
  // added to the scaled scores. Learned relative positions (T5) and ALiBi, by distance.
  Tensor bias{};
};

struct CrossEntropyParams {
  float softcap = 0.0F;    // on the logits, as for attention
  int32_t ignored = -100;  // targets with this id do not count
  Tensor bias{};           // undefined, or [V]: added to the logits
  Tensor row_weights{};    // undefined, or [M]: factors on losses and gradients, constants
};

inline constexpr int64_t kPageTokens = 128;

// Neighbouring tokens of one sequence, whose keys and values lie in pages of kPageTokens positions:
// position p in row p % kPageTokens of page pages[p / kPageTokens].
struct PagedSegment {
  std::span<const int32_t> pages;
  int64_t first = 0;  // position of the first token
  int64_t count = 0;  // tokens, one query row each
  bool many = false;  // computed as many queries are, however few there may be
};

enum class RopeStyle : uint8_t { kHalves, kInterleaved };  // pairs (i, i + n/2), or (2i, 2i + 1)

struct Backend {
  std::string_view name;
  const kernels::Table* kernels = nullptr;

  // table [V, D] any storage dtype; ids i32; out [ids, D] f32.
  void (*embedding)(Exec&, const Tensor& table, const Tensor& ids, const Tensor& out) = nullptr;
  // Adds rows of dout into dtable [V, D]; dtable is zeroed first unless accumulate.
  void (*embedding_backward)(Exec&, const Tensor& dout, const Tensor& ids, const Tensor& dtable,
                             bool accumulate) = nullptr;

  // out[M, N] = x[M, K] · w[N, K]^T (+ bias[N]); bias may be undefined; w any storage dtype.
  void (*linear)(Exec&, const Tensor& x, const Tensor& w, const Tensor& bias,
                 const Tensor& out) = nullptr;
  // dx[M, K] (+)= dout[M, N] · w[N, K]
  void (*linear_backward_input)(Exec&, const Tensor& dout, const Tensor& w, const Tensor& dx,
                                bool accumulate) = nullptr;
  // dw[N, K] (+)= dout^T · x
  void (*linear_backward_weight)(Exec&, const Tensor& dout, const Tensor& x, const Tensor& dw,
                                 bool accumulate) = nullptr;
  // db[N] (+)= column sums of dout[M, N]
  void (*sum_rows)(Exec&, const Tensor& dout, const Tensor& db, bool accumulate) = nullptr;

  // out = x / sqrt(mean(x^2) + eps) * weight over the innermost dimension.
  // inverse_rms [rows] is filled when defined.
  void (*rms_norm)(Exec&, const Tensor& x, const Tensor& weight, float eps, const Tensor& out,
                   const Tensor& inverse_rms) = nullptr;
  // dx and dweight may each be undefined.
  void (*rms_norm_backward)(Exec&, const Tensor& dout, const Tensor& x, const Tensor& weight,
                            const Tensor& inverse_rms, const Tensor& dx, bool accumulate_dx,
                            const Tensor& dweight, bool accumulate_dweight) = nullptr;
  // out = (x - mean) / sqrt(var + eps) * weight + bias; weight [D], or [G, D]: row r of x takes
  // weight row r mod G; bias is shaped like weight, or undefined.
  void (*layer_norm)(Exec&, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps,
                     const Tensor& out, const NormSaved& saved) = nullptr;
  void (*layer_norm_backward)(Exec&, const Tensor& dout, const Tensor& x, const Tensor& weight,
                              const NormSaved& saved, const Tensor& dx, bool accumulate_dx,
                              const Tensor& dweight, bool accumulate_dweight, const Tensor& dbias,
                              bool accumulate_dbias) = nullptr;

  // x [B, T, H, D]; the first 2 * cosines.dim(1) of D are rotated by the angle of row positions[b,
  // t] of the tables [max_position, rotated / 2] f32; positions i32 [B, T]. inverse = true rotates
  // back (that is the vjp).
  void (*rope)(Exec&, const Tensor& x, const Tensor& cosines, const Tensor& sines,
               const Tensor& positions, RopeStyle style, bool inverse, const Tensor& out) = nullptr;

  // q [B, T, H, D], k [B, S, G, D], v [B, S, G, E], H a multiple of G; out [B, T, H, E].
  // first_keys: undefined, or i32 [B, T]: the lowest key index a query may see (documents packed
  // together). log_sums: undefined, or f32 [B, H, T]: log of the softmax denominators, for the
  // backward pass.
  void (*attention)(Exec&, const Tensor& q, const Tensor& k, const Tensor& v,
                    const AttentionParams& params, const Tensor& first_keys, const Tensor& out,
                    const Tensor& log_sums) = nullptr;
  // Causal attention of several sequences: q [1, T, H, D], T the sum of the segments' counts, one
  // behind the other; keys [P, kPageTokens, G, D] and values [P, kPageTokens, G, E] as a cache
  // stores them; out [1, T, H, E]. Of params scale, window and softcap count. A row's result
  // depends on its own sequence and on `many` alone, not on how that was cut into segments.
  void (*paged_attention)(Exec&, const Tensor& q, const Tensor& keys, const Tensor& values,
                          std::span<const PagedSegment> segments, const AttentionParams& params,
                          const Tensor& out) = nullptr;
  // Writes dq, dk, dv (never accumulates; none undefined), and dbias where it is defined.
  void (*attention_backward)(Exec&, const Tensor& dout, const Tensor& q, const Tensor& k,
                             const Tensor& v, const AttentionParams& params,
                             const Tensor& first_keys, const Tensor& out, const Tensor& log_sums,
                             const Tensor& dq, const Tensor& dk, const Tensor& dv,
                             const Tensor& dbias) = nullptr;

  // out = f(x)
  void (*activation)(Exec&, Activation f, const Tensor& x, const Tensor& out) = nullptr;
  void (*activation_backward)(Exec&, Activation f, const Tensor& dout, const Tensor& x,
                              const Tensor& dx, bool accumulate) = nullptr;
  // out = f(gate) * up (SwiGLU, GeGLU …)
  void (*gated)(Exec&, Activation f, const Tensor& gate, const Tensor& up,
                const Tensor& out) = nullptr;
  // Writes dgate and dup (never accumulates).
  void (*gated_backward)(Exec&, Activation f, const Tensor& dout, const Tensor& gate,
                         const Tensor& up, const Tensor& dgate, const Tensor& dup) = nullptr;

  // out = a + b, same shapes
  void (*add)(Exec&, const Tensor& a, const Tensor& b, const Tensor& out) = nullptr;
  // out = factor * x
  void (*scale)(Exec&, const Tensor& x, float factor, const Tensor& out) = nullptr;
  // out = x * factors, element by element; factors [D] (for each row of x [.., D]) or like x
  void (*multiply_rows)(Exec&, const Tensor& x, const Tensor& factors, const Tensor& out) = nullptr;
  // out = cap * tanh(x / cap)
  void (*softcap)(Exec&, const Tensor& x, float cap, const Tensor& out) = nullptr;
  void (*softcap_backward)(Exec&, const Tensor& dout, const Tensor& x, float cap, const Tensor& dx,
                           bool accumulate) = nullptr;
  // out = sigmoid(gate) * x; x [.., D], gate [.., 1]
  void (*sigmoid_gate)(Exec&, const Tensor& x, const Tensor& gate, const Tensor& out) = nullptr;
  // Writes dx and dgate (never accumulates).
  void (*sigmoid_gate_backward)(Exec&, const Tensor& dout, const Tensor& x, const Tensor& gate,
                                const Tensor& dx, const Tensor& dgate) = nullptr;

  // Mixture of experts; see ops/experts.h. logits [M, E]; experts i32 and weights [M, per_token]:
  // the largest softmax values of each row, the first among equals, largest first.
  void (*route)(Exec&, const Tensor& logits, bool normalize, const Tensor& experts,
                const Tensor& weights) = nullptr;
  void (*route_backward)(Exec&, const Tensor& dweights, const Tensor& logits, bool normalize,
                         const Tensor& experts, const Tensor& dlogits, bool accumulate) = nullptr;
  // out[m] = sum over j of weights[m, j] * x[slots[m, j]]; every row of x is somebody's slot.
  void (*combine_experts)(Exec&, const Tensor& x, const Tensor& weights, const Tensor& slots,
                          const Tensor& out) = nullptr;
  // Writes dx and dweights (never accumulates).
  void (*combine_experts_backward)(Exec&, const Tensor& dout, const Tensor& x,
                                   const Tensor& weights, const Tensor& slots, const Tensor& dx,
                                   const Tensor& dweights) = nullptr;

  // The head and its loss in one, in chunks of rows: never more than a chunk of logits in memory.
  // x [M, K], w [V, K], targets i32 [M]; losses [M] (0 where ignored), natural log.
  // When defined, dx [M, K], dw [V, K] and dbias [V] get the gradients of sum(losses) *
  // gradient_scale (always overwritten).
  void (*linear_cross_entropy)(Exec&, const Tensor& x, const Tensor& w, const Tensor& targets,
                               const CrossEntropyParams& params, const Tensor& losses,
                               double gradient_scale, const Tensor& dx, const Tensor& dw,
                               const Tensor& dbias) = nullptr;
};

// The processor: vector kernels of `isa` or the strongest below it that this machine runs. A value:
// keep it where Exec can point to it.
Backend make_cpu_backend(Isa isa = detect_isa());
// Plain loops in the tensors' own precision (f32 or f64), one thread: what every other backend is
// tested against.
Backend make_plain_backend();

}  // namespace onmal
