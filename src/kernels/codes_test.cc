#include "kernels/codes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"

namespace onmal {
namespace {

class CodesTest : public ::testing::TestWithParam<Isa> {};

TEST_P(CodesTest, DotsAreExactUpToTheLargestValues) {
  const kernels::CodeKernels& codes = kernels::codes(GetParam());
  Rng rng(3);
  for (const int64_t width : {1, 31, 64, 256, 300, 4096}) {
    constexpr int64_t kRows = 5;
    std::vector<int8_t> rows(static_cast<size_t>(kRows * width), 127);
    std::vector<int16_t> query(static_cast<size_t>(width), 4095);
    for (size_t i = static_cast<size_t>(width); i < rows.size(); ++i)
      rows[i] = static_cast<int8_t>(static_cast<int>(rng.below(255)) - 127);
    std::vector<int32_t> out(kRows);
    codes.dot(rows.data(), kRows, width, query.data(), out.data());
    for (size_t i = 0; i < kRows; ++i) {
      int64_t exact = 0;
      for (size_t j = 0; j < query.size(); ++j) exact += rows[i * query.size() + j] * query[j];
      ASSERT_EQ(out[i], exact) << width;
    }
  }
}

TEST_P(CodesTest, BitsAreWeighed) {
  const kernels::CodeKernels& codes = kernels::codes(GetParam());
  Rng rng(4);
  const std::vector<int32_t> weights = {2, 4, -7};
  for (const size_t words : {1, 3, 4, 6, 12, 16, 17}) {
    constexpr size_t kRows = 9;
    std::vector<uint64_t> rows(kRows * words), planes(weights.size() * words);
    for (uint64_t& word : rows) word = rng.next();
    for (uint64_t& word : planes) word = rng.next();
    std::vector<int32_t> out(kRows);
    codes.weigh_bits(rows.data(), kRows, static_cast<int64_t>(words), planes.data(), weights.data(),
                     static_cast<int64_t>(weights.size()), out.data());
    for (size_t i = 0; i < kRows; ++i) {
      int32_t exact = 0;
      for (size_t bit = 0; bit < 64 * words; ++bit) {
        for (size_t p = 0; p < weights.size(); ++p) {
          const uint64_t both = rows[i * words + bit / 64] & planes[p * words + bit / 64];
          if ((both >> (bit % 64)) & 1) exact += weights[p];
        }
      }
      ASSERT_EQ(out[i], exact) << words;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, CodesTest, ::testing::ValuesIn(kernels::available_isas()),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

}  // namespace
}  // namespace onmal
