#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

inline constexpr int64_t kMostVectorDimensions = 4096;

// A vector as bytes with one scale: x[i] = scale * values[i], values in [-127, 127].
struct QuantizedVector {
  float scale = 0;  // 0: all zeros
  std::vector<int8_t> values;
};

// Throws Error(kNumeric) for a value that is not finite, Error(kInvalidArgument) for no values or
// more than kMostVectorDimensions.
QuantizedVector quantize_vector(std::span<const float> vector);

// The stored form: the scale (f32, little-endian), then the values; 4 + dimensions bytes.
std::string encode_vector(const QuantizedVector& vector);
// The inverse. Throws Error(kBadFile), naming `where`, for another length or a scale that is none.
QuantizedVector decode_vector(std::string_view bytes, int64_t dimensions, const std::string& where);

// Bit i of word i / 64: whether values[i] > 0. ceil(values / 64) words.
std::vector<uint64_t> sign_bits(std::span<const int8_t> values);

}  // namespace onmal
