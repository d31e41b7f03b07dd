#include <algorithm>

#include "base/error.h"
#include "kernels/quantize/encode.h"
#include "kernels/select.h"
#include "models/weight_io.h"

namespace onmal {
namespace {

void to_f32(const kernels::ConvertKernels& convert, const Tensor& tensor, float* out) {
  const int64_t count = tensor.elements();
  switch (tensor.dtype()) {
    case DType::kF16:
      return convert.f16_to_f32(tensor.data_as<uint16_t>(), out, count);
    case DType::kBF16:
      return convert.bf16_to_f32(tensor.data_as<uint16_t>(), out, count);
    case DType::kF64:
      std::transform(tensor.f64(), tensor.f64() + count, out,
                     [](double x) { return static_cast<float>(x); });
      return;
    case DType::kF32:
      std::copy_n(tensor.f32(), count, out);
      return;
    default:
      convert.quantized_to_f32(tensor.dtype(), tensor.data(), out, count);
  }
}

}  // namespace

Tensor convert_tensor(const Tensor& tensor, DType dtype, Allocator& memory) {
  if (tensor.dtype() == dtype) return tensor;
  const bool known =
      dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || is_quantized(dtype);
  if (!known || tensor.dtype() == DType::kI32) {
    throw Error(ErrorCode::kUnsupported, "convert",
                "cannot turn " + std::string(dtype_info(tensor.dtype()).name) + " into " +
                    std::string(dtype_info(dtype).name));
  }
  if (tensor.dim(-1) % dtype_info(dtype).block_size != 0) {
    throw Error(ErrorCode::kInvalidArgument, "convert",
                "rows of " + std::to_string(tensor.dim(-1)) +
                    " values cannot be cut into blocks of " +
                    std::to_string(dtype_info(dtype).block_size));
  }
  const kernels::ConvertKernels& convert = *kernels::table(detect_isa()).convert;
  Tensor plain = tensor;
  if (tensor.dtype() != DType::kF32) {
    plain = Tensor::empty(memory, tensor.shape());
    to_f32(convert, tensor, plain.f32());
  }
  if (dtype == DType::kF32) return plain;
  Tensor result = Tensor::empty(memory, tensor.shape(), dtype);
  const int64_t count = tensor.elements();
  if (dtype == DType::kF16) {
    convert.f32_to_f16(plain.f32(), result.data_as<uint16_t>(), count);
  } else if (dtype == DType::kBF16) {
    convert.f32_to_bf16(plain.f32(), result.data_as<uint16_t>(), count);
  } else if (dtype != DType::kQ8_0) {
    kernels::encode_blocks(dtype, plain.f32(), nullptr, result.data(), count);
  } else {
    convert.f32_to_q8_0(plain.f32(), result.data_as<BlockQ8_0>(), count);
  }
  return result;
}

}  // namespace onmal
