#include "kernels/quantize/block_input.h"
#include "kernels/quantize/group_fit.h"

// Formats of 32 values with one scale, or a scale and a minimum.
namespace onmal::kernels::quantize {
namespace {

constexpr int kSize = static_cast<int>(kSmallBlockSize);
using Input = BlockInput<kSize>;

template <typename Levels>
void write_codes(const Four* levels, int* codes) {
  for (int i = 0; i < kSize; ++i) codes[i] = Levels::code(levels[i / 4][i % 4]);
}

// The scale as a half, and codes rounded with that half.
template <typename Levels>
uint16_t encode_scaled(const Input& input, int* codes) {
  const Group<kSize> group = {input.x, input.weights};
  const uint16_t d = input.half(fit_scale<Levels, kSize>(group).scale);
  Four levels[kSize / 4];
  round_levels<Levels, kSize>(group, input.scale_of(d), 0.0F, levels);
  write_codes<Levels>(levels, codes);
  return d;
}

struct LineHalves {
  uint16_t d, m;
};

template <int kHigh>
LineHalves encode_line(const Input& input, int* codes) {
  using Levels = IntegerLevels<0, kHigh>;
  const Group<kSize> group = {input.x, input.weights};
  const Fit fit = fit_line<kHigh, kSize, false>(group);
  Four levels[kSize / 4];
  const uint16_t d = input.half(fit.scale);
  const float scale = input.scale_of(d);
  round_levels<Levels, kSize>(group, scale, fit.minimum, levels);
  // The best minimum for the scale as it was rounded.
  Four rest = all(0.0F);
  Four weight = all(0.0F);
  for (int i = 0; i < kSize / 4; ++i) {
    rest += group.weights[i] * (group.x[i] - all(scale) * levels[i]);
    weight += group.weights[i];
  }
  const uint16_t m = input.half(sum(rest) / sum(weight));
  round_levels<Levels, kSize>(group, scale, input.scale_of(m), levels);
  write_codes<Levels>(levels, codes);
  return {d, m};
}

void pack_high_bits(const int* codes, uint8_t* high_bits) {
  for (int i = 0; i < kSize; ++i) {
    high_bits[i / 8] = static_cast<uint8_t>(high_bits[i / 8] | ((codes[i] >> 4) & 1) << (i % 8));
  }
}

}  // namespace

void encode_q8_0(const float* x, const float* importance, BlockQ8_0& out) {
  Input input;
  input.read(x, importance);
  out = {};
  out.scale = kHalfNotANumber;
  if (!input.finite) return;
  int codes[kSize];
  out.scale = encode_scaled<IntegerLevels<-127, 127>>(input, codes);
  for (int i = 0; i < kSize; ++i) out.values[i] = static_cast<int8_t>(codes[i] - 127);
}

void encode_q4_0(const float* x, const float* importance, BlockQ4_0& out) {
  Input input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  int codes[kSize];
  out.d = encode_scaled<IntegerLevels<-8, 7>>(input, codes);
  pack_nibbles(codes, out.nibbles);
}

void encode_q5_0(const float* x, const float* importance, BlockQ5_0& out) {
  Input input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  int codes[kSize];
  out.d = encode_scaled<IntegerLevels<-16, 15>>(input, codes);
  pack_nibbles(codes, out.nibbles);
  pack_high_bits(codes, out.high_bits);
}

void encode_iq4_nl(const float* x, const float* importance, BlockIQ4_NL& out) {
  Input input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  int codes[kSize];
  out.d = encode_scaled<TableLevels>(input, codes);
  pack_nibbles(codes, out.nibbles);
}

void encode_q4_1(const float* x, const float* importance, BlockQ4_1& out) {
  Input input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  int codes[kSize];
  const LineHalves halves = encode_line<15>(input, codes);
  out.d = halves.d;
  out.m = halves.m;
  pack_nibbles(codes, out.nibbles);
}

void encode_q5_1(const float* x, const float* importance, BlockQ5_1& out) {
  Input input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  int codes[kSize];
  const LineHalves halves = encode_line<31>(input, codes);
  out.d = halves.d;
  out.m = halves.m;
  pack_nibbles(codes, out.nibbles);
  pack_high_bits(codes, out.high_bits);
}

}  // namespace onmal::kernels::quantize
