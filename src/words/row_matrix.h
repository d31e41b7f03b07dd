#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/error.h"

namespace onmal {

// A matrix of f32 whose rows begin on cache lines, zero at first. The padding stays zero.
class RowMatrix {
 public:
  RowMatrix(int64_t rows, int64_t width);

  float* row(int64_t i) { return data_.get() + i * stride_; }
  const float* row(int64_t i) const { return data_.get() + i * stride_; }
  const float* data() const { return data_.get(); }
  int64_t rows() const { return rows_; }
  int64_t width() const { return width_; }
  int64_t stride() const { return stride_; }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  int64_t rows_;
  int64_t width_;
  int64_t stride_;
  std::unique_ptr<float, Free> data_;
};

}  // namespace onmal
