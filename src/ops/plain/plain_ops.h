#pragma once

#include "ops/backend.h"

// Plain loops straight from the formulas, in f32 or f64 as the tensors are, one thread. Contracts
// stand in Backend.
namespace onmal::plain {

// Calls body with a value of the tensors' own type: with_type(x.dtype(), [&](auto zero) { using T =
// decltype(zero); }).
template <typename Body>
void with_type(DType dtype, Body&& body) {
  if (dtype == DType::kF64) {
    body(0.0);
  } else {
    ONMAL_ASSERT(dtype == DType::kF32);
    body(0.0F);
  }
}

// Value `index` of a tensor of any storage format.
double value_at(const Tensor& tensor, int64_t index);
// Value `index` of data in a quantised format.
double quantized_value(DType dtype, const void* data, int64_t index);

void add_linear(Backend& backend);
void add_norms(Backend& backend);
void add_attention(Backend& backend);
void add_elementwise(Backend& backend);
void add_experts(Backend& backend);

}  // namespace onmal::plain
