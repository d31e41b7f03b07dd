#pragma once

#include <cstdint>
#include <string>

#include "base/function_ref.h"
#include "tensor/tensor.h"

namespace onmal {

// What a weight is for; optimisers and initialisation treat the kinds differently.
enum class ParamKind : uint8_t {
  kMatrix,     // [out, in] of a linear map
  kEmbedding,  // [entries, dim] of a look-up table (a tied head included)
  kVector,     // norms and biases
};

// A named weight. Its value's tag marks it as trained (0: frozen).
struct Param {
  std::string name;
  Shape shape;
  ParamKind kind = ParamKind::kMatrix;
  float initial_deviation =
      0.02F;  // of the normal distribution it starts from; vectors start at `initial_value`
  float initial_value = 0.0F;
  Tensor value;

  bool trained() const { return value.tag() != 0; }
};

using ParamVisitor = FunctionRef<void(Param&)>;
// Shows all weights of something to a visitor, always in the same order.
using VisitParams = FunctionRef<void(ParamVisitor)>;
using ConstParamVisitor = FunctionRef<void(const Param&)>;

}  // namespace onmal
