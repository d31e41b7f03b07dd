#include "nn/norm_layer.h"

#include "ops/layer_norm.h"
#include "ops/rms_norm.h"

namespace onmal {

NormLayer::NormLayer(const std::string& name, NormKind norm_kind, int64_t dim, float norm_epsilon)
    : kind(norm_kind), epsilon(norm_epsilon) {
  weight.name = name + ".weight";
  weight.shape = Shape{dim};
  weight.kind = ParamKind::kVector;
  weight.initial_value = 1.0F;
  if (kind == NormKind::kLayer) {
    bias.name = name + ".bias";
    bias.shape = Shape{dim};
    bias.kind = ParamKind::kVector;
  }
}

Tensor NormLayer::operator()(Exec& exec, const Tensor& x) const {
  if (kind == NormKind::kRms) return rms_norm(exec, x, weight.value, epsilon);
  return layer_norm(exec, x, weight.value, bias.value, epsilon);
}

void NormLayer::visit(ParamVisitor visitor) {
  visitor(weight);
  if (bias.shape.rank() > 0) visitor(bias);
}

}  // namespace onmal
