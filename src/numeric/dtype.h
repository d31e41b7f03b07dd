#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace onmal {

// How numbers are stored. A new format is a row in dtype_info's table plus its kernels.
enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kF64,
  kI32,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kIQ4_NL,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_XS,
};
inline constexpr int kDTypeCount = 17;

struct DTypeInfo {
  std::string_view name;
  int64_t
      block_size;  // values a block holds (1 for plain types); a row is a whole number of blocks
  int64_t block_bytes;  // bytes a block takes
};

const DTypeInfo& dtype_info(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);

// Bytes of `count` values; count must be a multiple of the block size.
inline int64_t dtype_bytes(DType dtype, int64_t count) {
  const DTypeInfo& info = dtype_info(dtype);
  return count / info.block_size * info.block_bytes;
}

inline bool is_quantized(DType dtype) { return dtype_info(dtype).block_size > 1; }

}  // namespace onmal
