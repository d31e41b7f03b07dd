#include "kernels/quantize/super_fit.h"

// Formats of 256 values: fitting as super_fit.h says, packing as numeric/blocks.h says.
namespace onmal::kernels::quantize {
namespace {

void or_into(uint8_t& byte, int bits) { byte = static_cast<uint8_t>(byte | bits); }

// The low two bits of codes: values 32 apart share a byte.
void pack_two_bits(const int* codes, uint8_t* bytes) {
  for (int i = 0; i < kSuperSize; ++i) {
    or_into(bytes[i / 128 * 32 + i % 32], (codes[i] & 3) << (2 * (i % 128 / 32)));
  }
}

// The low four bits: values 32 apart share a byte.
void pack_four_bits(const int* codes, uint8_t* bytes) {
  for (int i = 0; i < kSuperSize; ++i) {
    or_into(bytes[i / 64 * 32 + i % 32], (codes[i] & 15) << (4 * (i % 64 / 32)));
  }
}

// One bit of each code, eight groups of 32 in the eight bits of 32 bytes.
void pack_bit(const int* codes, int bit, uint8_t* bytes) {
  for (int i = 0; i < kSuperSize; ++i) or_into(bytes[i % 32], ((codes[i] >> bit) & 1) << (i / 32));
}

// Eight 6-bit scales and minima in 12 bytes.
void pack_scales(const SuperCodes& fit, uint8_t* bytes) {
  for (int g = 0; g < 4; ++g) {
    bytes[g] = static_cast<uint8_t>(fit.scales[g] | ((fit.scales[g + 4] >> 4) << 6));
    bytes[g + 4] = static_cast<uint8_t>(fit.minima[g] | ((fit.minima[g + 4] >> 4) << 6));
    bytes[g + 8] = static_cast<uint8_t>((fit.scales[g + 4] & 15) | ((fit.minima[g + 4] & 15) << 4));
  }
}

}  // namespace

void encode_q2_k(const float* x, const float* importance, BlockQ2_K& out) {
  SuperInput input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  const SuperCodes fit = LineSuperFit<3, 16, 15>(input).run();
  out.d = fit.d;
  out.dmin = fit.dmin;
  for (int g = 0; g < 16; ++g) {
    out.scales[g] = static_cast<uint8_t>(fit.scales[g] | (fit.minima[g] << 4));
  }
  pack_two_bits(fit.codes, out.q2);
}

void encode_q3_k(const float* x, const float* importance, BlockQ3_K& out) {
  SuperInput input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  const SuperCodes fit = ScaledSuperFit<IntegerLevels<-4, 3>, 16, -32, 31>(input).run();
  out.d = fit.d;
  for (int g = 0; g < 16; ++g) {
    const int scale = fit.scales[g] + 32;
    or_into(out.scales[g % 8], (scale & 15) << (4 * (g / 8)));
    or_into(out.scales[8 + g % 4], (scale >> 4) << (2 * (g / 4)));
  }
  pack_two_bits(fit.codes, out.q2);
  pack_bit(fit.codes, 2, out.high_bits);
}

void encode_q4_k(const float* x, const float* importance, BlockQ4_K& out) {
  SuperInput input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  const SuperCodes fit = LineSuperFit<15, 32, 63>(input).run();
  out.d = fit.d;
  out.dmin = fit.dmin;
  pack_scales(fit, out.scales);
  pack_four_bits(fit.codes, out.nibbles);
}

void encode_q5_k(const float* x, const float* importance, BlockQ5_K& out) {
  SuperInput input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  const SuperCodes fit = LineSuperFit<31, 32, 63>(input).run();
  out.d = fit.d;
  out.dmin = fit.dmin;
  pack_scales(fit, out.scales);
  pack_four_bits(fit.codes, out.nibbles);
  pack_bit(fit.codes, 4, out.high_bits);
}

void encode_q6_k(const float* x, const float* importance, BlockQ6_K& out) {
  SuperInput input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  const SuperCodes fit = ScaledSuperFit<IntegerLevels<-32, 31>, 16, -128, 127>(input).run();
  out.d = fit.d;
  for (int g = 0; g < 16; ++g) out.scales[g] = static_cast<int8_t>(fit.scales[g]);
  // Values 64 apart share a byte of low bits, values 32 apart one of high bits.
  for (int i = 0; i < kSuperSize; ++i) {
    or_into(out.nibbles[i / 128 * 64 + i % 64], (fit.codes[i] & 15) << (4 * (i % 128 / 64)));
    or_into(out.high_bits[i / 128 * 32 + i % 32], (fit.codes[i] >> 4) << (2 * (i % 128 / 32)));
  }
}

void encode_iq4_xs(const float* x, const float* importance, BlockIQ4_XS& out) {
  SuperInput input;
  input.read(x, importance);
  out = {};
  out.d = kHalfNotANumber;
  if (!input.finite) return;
  const SuperCodes fit = ScaledSuperFit<TableLevels, 32, -32, 31>(input).run();
  out.d = fit.d;
  for (int g = 0; g < 8; ++g) {
    const int scale = fit.scales[g] + 32;
    or_into(out.scales_low[g / 2], (scale & 15) << (4 * (g % 2)));
    out.scales_high = static_cast<uint16_t>(out.scales_high | ((scale >> 4) << (2 * g)));
    pack_nibbles(fit.codes + 32 * g, out.nibbles + 16 * g);
  }
}

}  // namespace onmal::kernels::quantize
