#pragma once

#include "ops/backend.h"

namespace onmal {

struct CrossEntropyResult {
  Tensor loss;    // [1]: sum of losses / normalizer
  Tensor losses;  // [M]: -ln p(target), 0 where ignored
  int64_t counted = 0;
};

// The head and its loss in one, in chunks of rows, so that all logits never exist at once: hidden
// [M, K], weight [V, K], targets i32 [M]. normalizer > 0 divides the sum by it (gradient
// accumulation over micro-batches), 0 by the number of counted targets. While recording, the
// gradients (of params.bias too) are computed in the same pass. Throws Error(kInvalidArgument) for
// a target outside the vocabulary that is not params.ignored.
CrossEntropyResult linear_cross_entropy(Exec& exec, const Tensor& hidden, const Tensor& weight,
                                        const Tensor& targets, const CrossEntropyParams& params,
                                        double normalizer = 0);

}  // namespace onmal
