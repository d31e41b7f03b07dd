// Attention over pages against the plain backend, and against attention over one piece.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "ops/attention.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kPages = 24;
constexpr int64_t kHeads = 6;

struct PagedCase {
  DType cache;
  int64_t groups, head_dim, value_dim, window;
  float softcap;
};

class PagedAttentionTest : public ::testing::TestWithParam<PagedCase> {
 protected:
  Tensor random(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape);
    Rng rng(seed);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.f32()[i] = static_cast<float>(rng.normal());
    return tensor;
  }
  Tensor cache(int64_t dim, uint64_t seed) {
    const Tensor plain = random(Shape{kPages, kPageTokens, GetParam().groups, dim}, seed);
    const kernels::ConvertKernels& convert = *cpu_.kernels->convert;
    const DType dtype = GetParam().cache;
    if (dtype == DType::kF32) return plain;
    const Tensor tensor = Tensor::empty(memory_, plain.shape(), dtype);
    if (dtype == DType::kF16)
      convert.f32_to_f16(plain.f32(), tensor.data_as<uint16_t>(), plain.elements());
    if (dtype == DType::kQ8_0)
      convert.f32_to_q8_0(plain.f32(), tensor.data_as<BlockQ8_0>(), plain.elements());
    return tensor;
  }
  AttentionParams params() const {
    AttentionParams made;
    made.scale = 0.3F;
    made.window = GetParam().window;
    made.softcap = GetParam().softcap;
    return made;
  }
  Tensor run(const Backend& backend, const Tensor& q, std::span<const PagedSegment> segments,
             int threads = 2) {
    ThreadPool pool(threads);
    Exec exec{&pool, &memory_, &backend};
    return paged_attention(exec, q, keys_, values_, segments, params());
  }
  static bool same(const Tensor& a, const Tensor& b) {
    return std::memcmp(a.f32(), b.f32(), static_cast<size_t>(a.bytes())) == 0;
  }
  Tensor rows_of(const Tensor& tensor, int64_t begin, int64_t end) {
    return tensor.reshaped(Shape{tensor.dim(1), tensor.dim(2), tensor.dim(3)})
        .slice(begin, end)
        .reshaped(Shape{1, end - begin, tensor.dim(2), tensor.dim(3)});
  }

  HeapAllocator memory_;
  Backend cpu_ = make_cpu_backend();
  Backend plain_ = make_plain_backend();
  Tensor keys_ = cache(GetParam().head_dim, 1);
  Tensor values_ = cache(GetParam().value_dim, 2);
  std::vector<int32_t> first_ = {7, 3, 20, 11, 0};
  std::vector<int32_t> second_ = {5};
  std::vector<int32_t> third_ = {3, 9, 1};  // shares a page with the first
};

TEST_P(PagedAttentionTest, AgreesWithThePlainBackend) {
  const std::vector<PagedSegment> segments = {{first_, 4 * kPageTokens + 17, 1, false},
                                              {second_, 0, 1, false},
                                              {third_, 250, 5, false},
                                              {second_, 3, 40, true},
                                              {first_, 100, 90, true},
                                              {third_, 383, 1, true}};
  const Tensor q = random(Shape{1, 138, kHeads, GetParam().head_dim}, 3);
  const Tensor got = run(cpu_, q, segments);
  const Tensor want = run(plain_, q, segments);
  for (int64_t i = 0; i < want.elements(); ++i) {
    ASSERT_NEAR(static_cast<double>(got.f32()[i]), static_cast<double>(want.f32()[i]), 3e-5)
        << "row " << i / (kHeads * GetParam().value_dim);
  }
  EXPECT_TRUE(same(got, run(cpu_, q, segments, 1)));
}

TEST_P(PagedAttentionTest, ARowDoesNotDependOnTheOthers) {
  if (GetParam().value_dim % 16 != 0) GTEST_SKIP() << "values of less than whole vectors";
  const Tensor q = random(Shape{1, 200, kHeads, GetParam().head_dim}, 4);
  for (const bool many : {false, true}) {
    const PagedSegment whole{first_, 301, 200, many};
    const Tensor together = run(cpu_, q, std::span(&whole, 1));
    for (const auto& [begin, end] : {std::pair{0, 1}, {1, 66}, {66, 67}, {67, 150}, {150, 200}}) {
      const std::vector<PagedSegment> part = {{third_, 200, 3, many},
                                              {first_, 301 + begin, end - begin, many}};
      const Tensor queries =
          Tensor::empty(memory_, Shape{1, 3 + end - begin, kHeads, GetParam().head_dim});
      std::fill_n(queries.f32(), queries.elements(), 0.5F);
      const Tensor own = rows_of(q, begin, end);
      std::copy_n(own.f32(), own.elements(), rows_of(queries, 3, 3 + end - begin).f32());
      const Tensor got = run(cpu_, queries, part);
      EXPECT_TRUE(same(rows_of(got, 3, 3 + end - begin), rows_of(together, begin, end)))
          << many << " from " << begin;
    }
  }
}

// Pages in order are one piece: the same bits as attention() over it, by either kernel.
TEST_P(PagedAttentionTest, PagesInOrderAreOnePiece) {
  std::vector<int32_t> order(5);
  std::iota(order.begin(), order.end(), 0);
  ThreadPool pool(2);
  Exec exec{&pool, &memory_, &cpu_};
  for (const int64_t count : {int64_t{1}, int64_t{16}, int64_t{70}}) {
    const int64_t first = 500;
    const Tensor q = random(Shape{1, count, kHeads, GetParam().head_dim}, 5);
    const auto piece = [&](const Tensor& cache) {
      return Tensor::borrowed(cache.data(), Shape{1, first + count, cache.dim(2), cache.dim(3)},
                              cache.dtype());
    };
    AttentionParams own = params();
    own.first_position = first;
    const Tensor want = attention(exec, q, piece(keys_), piece(values_), own);
    const PagedSegment segment{order, first, count, count > 16};
    EXPECT_TRUE(
        same(paged_attention(exec, q, keys_, values_, std::span(&segment, 1), params()), want))
        << count;
  }
}

TEST_P(PagedAttentionTest, SegmentsThatDoNotFitAreRefused) {
  const Tensor q = random(Shape{1, 2, kHeads, GetParam().head_dim}, 3);
  for (const PagedSegment& bad :
       {PagedSegment{second_, 127, 2}, PagedSegment{second_, 0, 1}, PagedSegment{{}, 0, 2}}) {
    EXPECT_THROW(run(cpu_, q, std::span(&bad, 1)), Error);
  }
  const std::vector<int32_t> unknown = {static_cast<int32_t>(kPages)};
  const PagedSegment bad{unknown, 0, 2};
  EXPECT_THROW(run(cpu_, q, std::span(&bad, 1)), Error);
}

INSTANTIATE_TEST_SUITE_P(All, PagedAttentionTest,
                         ::testing::Values(PagedCase{DType::kF32, 2, 16, 16, 0, 0.0F},
                                           PagedCase{DType::kF32, 6, 20, 12, 0, 0.0F},
                                           PagedCase{DType::kF32, 1, 32, 32, 70, 0.0F},
                                           PagedCase{DType::kF16, 2, 16, 16, 0, 5.0F},
                                           PagedCase{DType::kF16, 3, 32, 32, 200, 0.0F},
                                           PagedCase{DType::kQ8_0, 2, 32, 64, 0, 0.0F}));

}  // namespace
}  // namespace onmal
