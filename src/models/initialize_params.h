#pragma once

#include <algorithm>

#include "base/rng.h"
#include "nn/param.h"

namespace onmal {

// A fresh f32 value: vectors constant, others drawn from a normal distribution.
inline void initialize_param(Param& param, Allocator& memory, Rng& rng) {
  param.value = Tensor::empty(memory, param.shape);
  float* values = param.value.f32();
  const int64_t count = param.value.elements();
  if (param.kind == ParamKind::kVector) {
    std::fill_n(values, count, param.initial_value);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    values[i] = param.initial_deviation * static_cast<float>(rng.normal());
}

}  // namespace onmal
