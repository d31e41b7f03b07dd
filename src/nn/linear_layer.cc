#include "nn/linear_layer.h"

namespace onmal {

LinearLayer::LinearLayer(const std::string& name, int64_t in, int64_t out, bool with_bias,
                         float deviation) {
  weight.name = name + ".weight";
  weight.shape = Shape{out, in};
  weight.initial_deviation = deviation;
  if (with_bias) {
    bias.name = name + ".bias";
    bias.shape = Shape{out};
    bias.kind = ParamKind::kVector;
  }
}

void LinearLayer::visit(ParamVisitor visitor) {
  visitor(weight);
  if (bias.shape.rank() > 0) visitor(bias);
}

}  // namespace onmal
