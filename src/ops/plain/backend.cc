#include "numeric/half.h"
#include "ops/plain/plain_ops.h"

namespace onmal {

namespace plain {

double value_at(const Tensor& tensor, int64_t index) {
  switch (tensor.dtype()) {
    case DType::kF64:
      return tensor.f64()[index];
    case DType::kF32:
      return static_cast<double>(tensor.f32()[index]);
    case DType::kF16:
      return static_cast<double>(f16_to_f32(tensor.data_as<uint16_t>()[index]));
    case DType::kBF16:
      return static_cast<double>(bf16_to_f32(tensor.data_as<uint16_t>()[index]));
    case DType::kI32:
      return tensor.i32()[index];
    default:
      return quantized_value(tensor.dtype(), tensor.data(), index);
  }
}

}  // namespace plain

Backend make_plain_backend() {
  Backend backend;
  backend.name = "plain";
  plain::add_linear(backend);
  plain::add_norms(backend);
  plain::add_attention(backend);
  plain::add_elementwise(backend);
  plain::add_experts(backend);
  return backend;
}

}  // namespace onmal
