#include "numeric/dtype.h"

#include <array>

#include "numeric/blocks.h"

namespace onmal {
namespace {

constexpr std::array<DTypeInfo, kDTypeCount> kTable = {{
    {"f32", 1, 4},
    {"f16", 1, 2},
    {"bf16", 1, 2},
    {"q8_0", kQ8BlockSize, sizeof(BlockQ8_0)},
    {"f64", 1, 8},
    {"i32", 1, 4},
    {"q4_0", kSmallBlockSize, sizeof(BlockQ4_0)},
    {"q4_1", kSmallBlockSize, sizeof(BlockQ4_1)},
    {"q5_0", kSmallBlockSize, sizeof(BlockQ5_0)},
    {"q5_1", kSmallBlockSize, sizeof(BlockQ5_1)},
    {"iq4_nl", kSmallBlockSize, sizeof(BlockIQ4_NL)},
    {"q2_k", kSuperBlockSize, sizeof(BlockQ2_K)},
    {"q3_k", kSuperBlockSize, sizeof(BlockQ3_K)},
    {"q4_k", kSuperBlockSize, sizeof(BlockQ4_K)},
    {"q5_k", kSuperBlockSize, sizeof(BlockQ5_K)},
    {"q6_k", kSuperBlockSize, sizeof(BlockQ6_K)},
    {"iq4_xs", kSuperBlockSize, sizeof(BlockIQ4_XS)},
}};

}  // namespace

const DTypeInfo& dtype_info(DType dtype) { return kTable[static_cast<size_t>(dtype)]; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

}  // namespace onmal
