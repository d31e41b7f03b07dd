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
