#include "tensor/tensor.h"

#include <cstring>

namespace onmal {

Tensor Tensor::empty(Allocator& allocator, const Shape& shape, DType dtype) {
  ONMAL_ASSERT(shape.rank() > 0 && shape.dim(-1) % dtype_info(dtype).block_size == 0);
  const Allocator::Block block =
      allocator.allocate(static_cast<size_t>(dtype_bytes(dtype, shape.elements())));
  Tensor tensor;
  tensor.data_ = block.data;
  tensor.storage_ = StorageRef(block.storage);
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor Tensor::zeros(Allocator& allocator, const Shape& shape, DType dtype) {
  Tensor tensor = empty(allocator, shape, dtype);
  std::memset(tensor.data_, 0, static_cast<size_t>(tensor.bytes()));
  return tensor;
}

Tensor Tensor::borrowed(void* data, const Shape& shape, DType dtype) {
  Tensor tensor;
  tensor.data_ = static_cast<std::byte*>(data);
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor Tensor::reshaped(const Shape& shape) const {
  ONMAL_ASSERT(shape.elements() == shape_.elements());
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  ONMAL_ASSERT(0 <= begin && begin <= end && end <= dim(0));
  Tensor view = *this;
  const int64_t row = elements() / dim(0);
  view.data_ += dtype_bytes(dtype_, row) * begin;
  switch (shape_.rank()) {
    case 1:
      view.shape_ = Shape{end - begin};
      break;
    case 2:
      view.shape_ = Shape{end - begin, dim(1)};
      break;
    case 3:
      view.shape_ = Shape{end - begin, dim(1), dim(2)};
      break;
    default:
      view.shape_ = Shape{end - begin, dim(1), dim(2), dim(3)};
      break;
  }
  view.tag_ = 0;
  return view;
}

}  // namespace onmal
