#pragma once

#include "ops/backend.h"

// A mixture of experts (Shazeer et al., 2017): a router picks a few of many feed-forward networks
// for each token. The rows that meet one expert are brought together, so that its weights are read
// once, and weights of experts that nobody picked are not read at all.
namespace onmal {

// Who goes where. A choice is a pair (token m, rank j < per_token); a slot is a place in the order
// sorted by expert.
struct Routing {
  Tensor experts;  // i32 [M, per_token]
  Tensor weights;  // [M, per_token]; carries the gradient to the router
  Tensor slots;    // i32 [M, per_token]: the slot of each choice
  Tensor tokens;   // i32 [M * per_token]: the token in each slot
  Tensor starts;   // i32 [experts + 1]: the first slot of each expert
};

// Softmax over logits [M, E] and the per_token largest of each row (the first among equals), which
// are divided by their sum when `normalize` (the same as a softmax over the chosen logits alone).
Routing route(Exec& exec, const Tensor& logits, int64_t per_token, bool normalize);

// Rows of x [M, D] into slots: [M * per_token, D].
Tensor gather_tokens(Exec& exec, const Tensor& x, const Routing& routing);

// Each slot's row times the matrix of its expert: x [slots, in], weight [E, out, in] of any storage
// dtype -> [slots, out]. Gradients as for `linear`, expert by expert.
Tensor expert_linear(Exec& exec, const Tensor& x, const Tensor& weight, const Routing& routing);

// Sum over a token's choices of weight * row: x [slots, D] -> [M, D].
Tensor combine_experts(Exec& exec, const Tensor& x, const Routing& routing);

}  // namespace onmal
