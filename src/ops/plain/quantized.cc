#include "base/error.h"
#include "numeric/blocks.h"
#include "numeric/half.h"
#include "ops/plain/plain_ops.h"

// Each format read value by value, straight from its definition in numeric/blocks.h: what the
// kernels, which decode many values at once, are compared with.
namespace onmal::plain {
namespace {

double real(uint16_t half) { return static_cast<double>(f16_to_f32(half)); }

// `width` bits of `bytes`, from bit `bit` counted from the start.
int bits_at(const uint8_t* bytes, int64_t bit, int width) {
  return (bytes[bit / 8] >> (bit % 8)) & ((1 << width) - 1);
}

// Small blocks: value i < 16 is the low nibble of byte i, the others are high nibbles.
int small_nibble(const uint8_t* nibbles, int64_t i) {
  return bits_at(nibbles, i % 16 * 8 + i / 16 * 4, 4);
}

int five_bits(const uint8_t* nibbles, const uint8_t* high_bits, int64_t i) {
  return small_nibble(nibbles, i) + 16 * bits_at(high_bits, i, 1);
}

// Super-blocks keep 2-bit fields four to a byte: values 32 apart share one, 128 values 32 bytes.
int two_bits(const uint8_t* bytes, int64_t i) {
  const int64_t byte = i / 128 * 32 + i % 32;
  return bits_at(bytes, byte * 8 + i % 128 / 32 * 2, 2);
}

// Nibbles of super-blocks with two to a byte, values 32 apart, 64 values 32 bytes.
int super_nibble(const uint8_t* bytes, int64_t i) {
  const int64_t byte = i / 64 * 32 + i % 32;
  return bits_at(bytes, byte * 8 + i % 64 / 32 * 4, 4);
}

int packed_scale(const uint8_t* s, int64_t group) {
  return group < 4 ? s[group] % 64 : s[group + 4] % 16 + s[group - 4] / 64 * 16;
}

int packed_minimum(const uint8_t* s, int64_t group) {
  return group < 4 ? s[group + 4] % 64 : s[group + 4] / 16 + s[group] / 64 * 16;
}

double value_of(const BlockQ2_K& block, int64_t i) {
  const int scales = block.scales[i / 16];
  return real(block.d) * (scales % 16) * two_bits(block.q2, i) - real(block.dmin) * (scales / 16);
}

double value_of(const BlockQ3_K& block, int64_t i) {
  const int64_t group = i / 16;
  const int scale = bits_at(block.scales, group % 8 * 8 + group / 8 * 4, 4) +
                    16 * bits_at(block.scales + 8, group % 4 * 8 + group / 4 * 2, 2) - 32;
  const int high = bits_at(block.high_bits, i % 32 * 8 + i / 32, 1);
  return real(block.d) * scale * (two_bits(block.q2, i) + 4 * high - 4);
}

double value_of(const BlockQ4_K& block, int64_t i) {
  return real(block.d) * packed_scale(block.scales, i / 32) * super_nibble(block.nibbles, i) -
         real(block.dmin) * packed_minimum(block.scales, i / 32);
}

double value_of(const BlockQ5_K& block, int64_t i) {
  const int level =
      super_nibble(block.nibbles, i) + 16 * bits_at(block.high_bits, i % 32 * 8 + i / 32, 1);
  return real(block.d) * packed_scale(block.scales, i / 32) * level -
         real(block.dmin) * packed_minimum(block.scales, i / 32);
}

double value_of(const BlockQ6_K& block, int64_t i) {
  const int64_t byte = i / 128 * 64 + i % 64;
  const int level = bits_at(block.nibbles, byte * 8 + i % 128 / 64 * 4, 4) +
                    16 * two_bits(block.high_bits, i) - 32;
  return real(block.d) * block.scales[i / 16] * level;
}

double value_of(const BlockIQ4_XS& block, int64_t i) {
  const int64_t group = i / 32;
  const int scale =
      bits_at(block.scales_low, group * 4, 4) + 16 * (block.scales_high >> (2 * group) & 3) - 32;
  return real(block.d) * scale * kIQ4Levels[small_nibble(block.nibbles + 16 * group, i % 32)];
}

double value_of(const BlockQ8_0& block, int64_t i) { return real(block.scale) * block.values[i]; }

double value_of(const BlockQ4_0& block, int64_t i) {
  return real(block.d) * (small_nibble(block.nibbles, i) - 8);
}

double value_of(const BlockQ4_1& block, int64_t i) {
  return real(block.d) * small_nibble(block.nibbles, i) + real(block.m);
}

double value_of(const BlockQ5_0& block, int64_t i) {
  return real(block.d) * (five_bits(block.nibbles, block.high_bits, i) - 16);
}

double value_of(const BlockQ5_1& block, int64_t i) {
  return real(block.d) * five_bits(block.nibbles, block.high_bits, i) + real(block.m);
}

double value_of(const BlockIQ4_NL& block, int64_t i) {
  return real(block.d) * kIQ4Levels[small_nibble(block.nibbles, i)];
}

template <typename Block>
double read(const void* data, int64_t index, int64_t block_size) {
  return value_of(static_cast<const Block*>(data)[index / block_size], index % block_size);
}

}  // namespace

double quantized_value(DType dtype, const void* data, int64_t index) {
  switch (dtype) {
    case DType::kQ8_0:
      return read<BlockQ8_0>(data, index, kQ8BlockSize);
    case DType::kQ4_0:
      return read<BlockQ4_0>(data, index, kSmallBlockSize);
    case DType::kQ4_1:
      return read<BlockQ4_1>(data, index, kSmallBlockSize);
    case DType::kQ5_0:
      return read<BlockQ5_0>(data, index, kSmallBlockSize);
    case DType::kQ5_1:
      return read<BlockQ5_1>(data, index, kSmallBlockSize);
    case DType::kIQ4_NL:
      return read<BlockIQ4_NL>(data, index, kSmallBlockSize);
    case DType::kQ2_K:
      return read<BlockQ2_K>(data, index, kSuperBlockSize);
    case DType::kQ3_K:
      return read<BlockQ3_K>(data, index, kSuperBlockSize);
    case DType::kQ4_K:
      return read<BlockQ4_K>(data, index, kSuperBlockSize);
    case DType::kQ5_K:
      return read<BlockQ5_K>(data, index, kSuperBlockSize);
    case DType::kQ6_K:
      return read<BlockQ6_K>(data, index, kSuperBlockSize);
    case DType::kIQ4_XS:
      return read<BlockIQ4_XS>(data, index, kSuperBlockSize);
    default:
      throw Error(ErrorCode::kUnsupported, "plain", "asked for a value of no quantised format");
  }
}

}  // namespace onmal::plain
