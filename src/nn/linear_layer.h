#pragma once

#include <string>
#include <vector>

#include "nn/low_rank.h"
#include "nn/param.h"
#include "ops/linear.h"

namespace onmal {

// y = x · weight^T (+ bias); weight [out, in]. Adapters change it without touching the weight.
struct LinearLayer {
  LinearLayer() = default;
  LinearLayer(const std::string& name, int64_t in, int64_t out, bool with_bias, float deviation);

  Tensor operator()(Exec& exec, const Tensor& x) const {
    Tensor y = linear(exec, x, weight.value, bias.value);
    for (const LowRank& change : changes) {
      if (change.active) y = change.apply(exec, x, y, weight.value, bias.value);
    }
    return y;
  }
  // The weight and the bias; changes are shown by whoever attached them.
  void visit(ParamVisitor visitor);

  Param weight;
  Param bias;                    // shape of rank 0 when there is none
  std::vector<LowRank> changes;  // adapters, in the order they were attached
};

using LinearVisitor = FunctionRef<void(LinearLayer&)>;
// Shows all linear maps of something to a visitor, always in the same order.
using VisitLinears = FunctionRef<void(LinearVisitor)>;

}  // namespace onmal
