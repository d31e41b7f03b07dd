#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/error.h"
#include "numeric/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace onmal {

// A dense row-major array: shape, number format, and a share in the memory that holds it. A value:
// copying it copies the handle, not the numbers. Quantised formats are blocked along the innermost
// dimension.
class Tensor {
 public:
  Tensor() = default;

  // Uninitialised memory from `allocator`.
  static Tensor empty(Allocator& allocator, const Shape& shape, DType dtype = DType::kF32);
  static Tensor zeros(Allocator& allocator, const Shape& shape, DType dtype = DType::kF32);
  // Memory that lives elsewhere (a mapped file, a caller's array) and outlives the tensor.
  static Tensor borrowed(void* data, const Shape& shape, DType dtype = DType::kF32);

  bool defined() const { return data_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int64_t dim(int index) const { return shape_.dim(index); }
  int64_t elements() const { return shape_.elements(); }
  DType dtype() const { return dtype_; }
  int64_t bytes() const { return dtype_bytes(dtype_, elements()); }

  void* data() const { return data_; }
  template <typename T>
  T* data_as() const {
    return reinterpret_cast<T*>(data_);
  }
  float* f32() const {
    ONMAL_ASSERT(dtype_ == DType::kF32);
    return reinterpret_cast<float*>(data_);
  }
  double* f64() const {
    ONMAL_ASSERT(dtype_ == DType::kF64);
    return reinterpret_cast<double*>(data_);
  }
  int32_t* i32() const {
    ONMAL_ASSERT(dtype_ == DType::kI32);
    return reinterpret_cast<int32_t*>(data_);
  }

  // The same numbers seen with another shape of as many elements; keeps the tag.
  Tensor reshaped(const Shape& shape) const;
  // Rows [begin, end) of the outermost dimension, sharing memory; carries no tag.
  Tensor slice(int64_t begin, int64_t end) const;

  // An opaque mark for the floor above to recognise this value again (the tape's variable number);
  // 0 is none. Copies and reshaped views carry it.
  uint32_t tag() const { return tag_; }
  void set_tag(uint32_t tag) { tag_ = tag; }

  // False for memory that lives elsewhere (borrowed) or is freed as a whole (an arena's).
  bool owned() const { return storage_.get() != nullptr; }
  // True when nothing else shares this memory.
  bool unique() const { return storage_.unique(); }

 private:
  std::byte* data_ = nullptr;
  StorageRef storage_;
  Shape shape_;
  DType dtype_ = DType::kF32;
  uint32_t tag_ = 0;
};

}  // namespace onmal
