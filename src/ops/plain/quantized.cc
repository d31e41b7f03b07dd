#include "ops/plain/quantized.h"

#include "numeric/blocks.h"
#include "numeric/half.h"

namespace onmal::plain {
namespace {

double half(uint16_t bits) { return static_cast<double>(f16_to_f32(bits)); }

// Small blocks: value i sits in the low nibble of byte i, or the high one of byte i - 16.
int nibble(const uint8_t* nibbles, int64_t i) {
  return i < 16 ? nibbles[i] & 15 : nibbles[i - 16] >> 4;
}

int fifth_bit(const uint8_t* bits, int64_t i) { return (bits[i / 8] >> (i % 8) & 1) << 4; }

constexpr int kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                1,    13,   25,  38,  53,  69,  89,  113};

template <typename Block>
const Block& block_of(const Tensor& tensor, int64_t index, int64_t size) {
  return tensor.data_as<Block>()[index / size];
}

double small_value(const Tensor& tensor, int64_t index) {
  const int64_t i = index % kSmallBlockSize;
  switch (tensor.dtype()) {
    case DType::kQ8_0: {
      const auto& b = block_of<BlockQ8_0>(tensor, index, kSmallBlockSize);
      return half(b.scale) * b.values[i];
    }
    case DType::kQ4_0: {
      const auto& b = block_of<BlockQ4_0>(tensor, index, kSmallBlockSize);
      return half(b.d) * (nibble(b.nibbles, i) - 8);
    }
    case DType::kQ4_1: {
      const auto& b = block_of<BlockQ4_1>(tensor, index, kSmallBlockSize);
      return half(b.d) * nibble(b.nibbles, i) + half(b.m);
    }
    case DType::kQ5_0: {
      const auto& b = block_of<BlockQ5_0>(tensor, index, kSmallBlockSize);
      return half(b.d) * ((nibble(b.nibbles, i) | fifth_bit(b.high_bits, i)) - 16);
    }
    case DType::kQ5_1: {
      const auto& b = block_of<BlockQ5_1>(tensor, index, kSmallBlockSize);
      return half(b.d) * (nibble(b.nibbles, i) | fifth_bit(b.high_bits, i)) + half(b.m);
    }
    default: {
      const auto& b = block_of<BlockIQ4_NL>(tensor, index, kSmallBlockSize);
      return half(b.d) * kIq4Levels[nibble(b.nibbles, i)];
    }
  }
}

// Values of a super-block come in chunks of 64 (4 and 5 bits): the low nibbles of 32 bytes, then
// their high ones.
int chunk_nibble(const uint8_t* nibbles, int64_t i) {
  const int byte = nibbles[i / 64 * 32 + i % 32];
  return i % 64 < 32 ? byte & 15 : byte >> 4;
}

// 2-bit values come in chunks of 128: bits 0-1 of 32 bytes, then bits 2-3, …
int chunk_two_bits(const uint8_t* bytes, int64_t i) {
  return bytes[i / 128 * 32 + i % 32] >> (2 * (i % 128 / 32)) & 3;
}

struct ScaleAndMin {
  int scale, minimum;
};

// Group j of the twelve bytes of 6-bit numbers.
ScaleAndMin six_bits(const uint8_t* s, int64_t j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | (s[j - 4] >> 6) << 4, (s[j + 4] >> 4) | (s[j] >> 6) << 4};
}

double q3_k_value(const BlockQ3_K& b, int64_t i) {
  const int64_t j = i / 16;
  const int low = j < 8 ? b.scales[j] & 15 : b.scales[j - 8] >> 4;
  const int high = b.scales[8 + j % 4] >> (2 * (j / 4)) & 3;
  const int bit = b.high_bits[i % 32] >> (i / 32) & 1;
  return half(b.d) * ((low | high << 4) - 32) * (chunk_two_bits(b.q2, i) - (bit != 0 ? 0 : 4));
}

double q6_k_value(const BlockQ6_K& b, int64_t i) {
  const int64_t chunk = i / 128;
  const int64_t part = i % 128 / 32;
  const int64_t l = i % 32;
  const int byte = b.nibbles[chunk * 64 + part % 2 * 32 + l];
  const int low = part < 2 ? byte & 15 : byte >> 4;
  const int high = b.high_bits[chunk * 32 + l] >> (2 * part) & 3;
  return half(b.d) * b.scales[i / 16] * ((low | high << 4) - 32);
}

double iq4_xs_value(const BlockIQ4_XS& b, int64_t i) {
  const int64_t g = i / 32;
  const int low = b.scales_low[g / 2] >> (4 * (g % 2)) & 15;
  const int high = b.scales_high >> (2 * g) & 3;
  return half(b.d) * ((low | high << 4) - 32) * kIq4Levels[nibble(b.nibbles + g * 16, i % 32)];
}

}  // namespace

double quantized_value(const Tensor& tensor, int64_t index) {
  const int64_t i = index % kSuperBlockSize;
  switch (tensor.dtype()) {
    case DType::kQ2_K: {
      const auto& b = block_of<BlockQ2_K>(tensor, index, kSuperBlockSize);
      const int scales = b.scales[i / 16];
      return half(b.d) * (scales & 15) * chunk_two_bits(b.q2, i) - half(b.dmin) * (scales >> 4);
    }
    case DType::kQ3_K:
      return q3_k_value(block_of<BlockQ3_K>(tensor, index, kSuperBlockSize), i);
    case DType::kQ4_K: {
      const auto& b = block_of<BlockQ4_K>(tensor, index, kSuperBlockSize);
      const ScaleAndMin s = six_bits(b.scales, i / 32);
      return half(b.d) * s.scale * chunk_nibble(b.nibbles, i) - half(b.dmin) * s.minimum;
    }
    case DType::kQ5_K: {
      const auto& b = block_of<BlockQ5_K>(tensor, index, kSuperBlockSize);
      const ScaleAndMin s = six_bits(b.scales, i / 32);
      const int bit = b.high_bits[i % 32] >> (i / 32) & 1;
      return half(b.d) * s.scale * (chunk_nibble(b.nibbles, i) | bit << 4) -
             half(b.dmin) * s.minimum;
    }
    case DType::kQ6_K:
      return q6_k_value(block_of<BlockQ6_K>(tensor, index, kSuperBlockSize), i);
    case DType::kIQ4_XS:
      return iq4_xs_value(block_of<BlockIQ4_XS>(tensor, index, kSuperBlockSize), i);
    default:
      return small_value(tensor, index);
  }
}

}  // namespace onmal::plain
