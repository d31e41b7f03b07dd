#include "numeric/blocks.h"
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
    case DType::kQ8_0: {
      const BlockQ8_0& block = tensor.data_as<BlockQ8_0>()[index / kQ8BlockSize];
      return static_cast<double>(f16_to_f32(block.scale)) * block.values[index % kQ8BlockSize];
    }
    case DType::kI32:
      break;
  }
  return tensor.i32()[index];
}

}  // namespace plain

Backend make_plain_backend() {
  Backend backend;
  backend.name = "plain";
  plain::add_linear(backend);
  plain::add_norms(backend);
  plain::add_attention(backend);
  plain::add_elementwise(backend);
  return backend;
}

}  // namespace onmal
