#pragma once

#include <string>

#include "nn/param.h"
#include "ops/backend.h"

namespace onmal {

enum class NormKind : uint8_t { kRms, kLayer };

struct NormLayer {
  NormLayer() = default;
  NormLayer(const std::string& name, NormKind norm_kind, int64_t dim, float norm_epsilon);

  Tensor operator()(Exec& exec, const Tensor& x) const;
  void visit(ParamVisitor visitor);

  NormKind kind = NormKind::kRms;
  float epsilon = 1e-5F;
  Param weight;
  Param bias;  // layer norm only
};

}  // namespace onmal
