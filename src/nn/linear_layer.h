#pragma once

#include <string>

#include "nn/param.h"
#include "ops/linear.h"

namespace onmal {

// y = x · weight^T (+ bias); weight [out, in].
struct LinearLayer {
  LinearLayer() = default;
  LinearLayer(const std::string& name, int64_t in, int64_t out, bool with_bias, float deviation);

  Tensor operator()(Exec& exec, const Tensor& x) const {
    return linear(exec, x, weight.value, bias.value);
  }
  void visit(ParamVisitor visitor);

  Param weight;
  Param bias;  // shape of rank 0 when there is none
};

using LinearVisitor = FunctionRef<void(LinearLayer&)>;

}  // namespace onmal
