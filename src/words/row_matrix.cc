#include "words/row_matrix.h"

#include <sys/mman.h>

#include <cstring>
#include <limits>
#include <string>

namespace onmal {
namespace {

constexpr int64_t kLineFloats = 16;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

RowMatrix::RowMatrix(int64_t rows, int64_t width)
    : rows_(rows), width_(width), stride_((width + kLineFloats - 1) / kLineFloats * kLineFloats) {
  ONMAL_ASSERT(rows >= 0 && width > 0);
  if (rows > std::numeric_limits<int64_t>::max() / stride_ / 8) throw std::bad_alloc();
  const size_t bytes = static_cast<size_t>(rows * stride_) * sizeof(float);
  const size_t page =
      bytes > kHugePage ? kHugePage : static_cast<size_t>(kLineFloats) * sizeof(float);
  const size_t whole = (bytes + page) / page * page;
  data_.reset(static_cast<float*>(std::aligned_alloc(page, whole)));
  if (data_ == nullptr) {
    throw Error(ErrorCode::kResource, "word vectors",
                std::to_string(whole >> 20) + " MB of memory are not to be had",
                "use fewer words (--min-count), buckets or dimensions");
  }
#if defined(MADV_HUGEPAGE)
  // Rows are read all over the place: large pages spare most look-ups of addresses.
  if (page == kHugePage) madvise(data_.get(), whole, MADV_HUGEPAGE);
#endif
  std::memset(data_.get(), 0, whole);
}

}  // namespace onmal
