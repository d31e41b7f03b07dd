#include "knowledge/dense/quantized_vector.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"

namespace onmal {
namespace {

constexpr float kLargest = 127.0F;
constexpr size_t kScaleBytes = 4;

}  // namespace

QuantizedVector quantize_vector(std::span<const float> vector) {
  if (vector.empty() || vector.size() > kMostVectorDimensions) {
    throw Error(ErrorCode::kInvalidArgument, "vector",
                "has " + std::to_string(vector.size()) + " dimensions",
                "from 1 to " + std::to_string(kMostVectorDimensions) + " are supported");
  }
  float most = 0;
  for (const float value : vector) {
    if (!std::isfinite(value)) throw Error(ErrorCode::kNumeric, "vector", "a value is not finite");
    most = std::max(most, std::abs(value));
  }
  QuantizedVector result;
  result.scale = most / kLargest;
  result.values.resize(vector.size());
  if (result.scale == 0.0F) return result;
  std::transform(vector.begin(), vector.end(), result.values.begin(), [&](float value) {
    const float rounded = std::nearbyint(value / result.scale);
    return static_cast<int8_t>(std::clamp(rounded, -kLargest, kLargest));
  });
  return result;
}

std::string encode_vector(const QuantizedVector& vector) {
  std::string bytes;
  bytes.reserve(kScaleBytes + vector.values.size());
  const auto bits = std::bit_cast<uint32_t>(vector.scale);
  for (size_t i = 0; i < kScaleBytes; ++i)
    bytes.push_back(static_cast<char>((bits >> (8 * i)) & 0xFF));
  for (const int8_t value : vector.values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

QuantizedVector decode_vector(std::string_view bytes, int64_t dimensions,
                              const std::string& where) {
  if (dimensions < 1 || dimensions > kMostVectorDimensions ||
      bytes.size() != kScaleBytes + static_cast<size_t>(dimensions)) {
    throw Error(ErrorCode::kBadFile, where,
                "a vector of " + std::to_string(dimensions) + " dimensions takes up " +
                    std::to_string(bytes.size()) + " bytes",
                "embed the documents again");
  }
  uint32_t bits = 0;
  for (size_t i = 0; i < kScaleBytes; ++i)
    bits |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  QuantizedVector result;
  result.scale = std::bit_cast<float>(bits);
  if (!std::isfinite(result.scale) || result.scale < 0.0F)
    throw Error(ErrorCode::kBadFile, where, "a vector's scale is none",
                "embed the documents again");
  result.values.reserve(static_cast<size_t>(dimensions));
  for (const char byte : bytes.substr(kScaleBytes))
    result.values.push_back(std::max<int8_t>(static_cast<int8_t>(byte), -127));
  return result;
}

std::vector<uint64_t> sign_bits(std::span<const int8_t> values) {
  std::vector<uint64_t> words((values.size() + 63) / 64, 0);
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] > 0) words[i / 64] |= uint64_t{1} << (i % 64);
  return words;
}

}  // namespace onmal
