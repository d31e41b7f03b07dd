#include "ops/activation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "autograd/tape.h"
#include "kernels/select.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kRows = 3;
constexpr int64_t kColumns = 37;

class GatedTest : public testing::Test {
 protected:
  Tensor values(float start) {
    Tensor tensor = Tensor::empty(memory_, Shape{kRows, kColumns});
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.f32()[i] = start + 0.03F * static_cast<float>(i);
    return tensor;
  }

  HeapAllocator memory_;
  ThreadPool pool_{1};
  Backend backend_ = make_cpu_backend(detect_isa());
  Exec exec_{&pool_, &memory_, &backend_};
};

TEST_F(GatedTest, AGateNobodyElseHoldsBecomesTheResult) {
  const Tensor up = values(0.5F);
  const Tensor kept = values(-1.5F);
  const Tensor beside = gated(exec_, Activation::kSilu, kept, up);
  EXPECT_NE(beside.f32(), kept.f32());
  EXPECT_FLOAT_EQ(kept.f32()[0], -1.5F);

  Tensor given = values(-1.5F);
  const float* place = given.f32();
  const Tensor in_place = gated(exec_, Activation::kSilu, std::move(given), up);
  EXPECT_EQ(in_place.f32(), place);
  EXPECT_TRUE(std::equal(in_place.f32(), in_place.f32() + in_place.elements(), beside.f32()));
}

TEST_F(GatedTest, ATapeKeepsTheGate) {
  Tape tape;
  exec_.tape = &tape;
  Tensor given = values(-1.5F);
  const float* place = given.f32();
  EXPECT_NE(gated(exec_, Activation::kSilu, std::move(given), values(0.5F)).f32(), place);
}

}  // namespace
}  // namespace onmal
