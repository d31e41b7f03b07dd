#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/error.h"

namespace onmal {

// Up to four dimensions, row-major, outermost first. A value of fixed size: never allocates.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    ONMAL_ASSERT(dims.size() <= kMaxRank);
    for (const int64_t dim : dims) dims_[static_cast<size_t>(rank_++)] = dim;
  }

  int rank() const { return rank_; }
  // Negative indices count from the end: dim(-1) is the innermost.
  int64_t dim(int index) const {
    if (index < 0) index += rank_;
    ONMAL_ASSERT(index >= 0 && index < rank_);
    return dims_[static_cast<size_t>(index)];
  }
  int64_t elements() const {
    int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= dims_[static_cast<size_t>(i)];
    return product;
  }
  // Number of innermost vectors: elements() / dim(-1).
  int64_t rows() const {
    int64_t product = 1;
    for (int i = 0; i + 1 < rank_; ++i) product *= dims_[static_cast<size_t>(i)];
    return product;
  }
  // The same shape with another innermost dimension.
  Shape with_last(int64_t dim) const {
    ONMAL_ASSERT(rank_ > 0);
    Shape copy = *this;
    copy.dims_[static_cast<size_t>(rank_ - 1)] = dim;
    return copy;
  }

  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i) {
      if (dims_[static_cast<size_t>(i)] != other.dims_[static_cast<size_t>(i)]) return false;
    }
    return true;
  }

  // "[2, 256, 320]"
  std::string to_string() const;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace onmal
