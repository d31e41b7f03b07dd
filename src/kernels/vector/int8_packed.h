#pragma once

#include "kernels/vector/int8_pack.h"

// Weights laid out anew, sixteen rows side by side, so that one vector holds the same four columns
// of all of them: sums need no folding across lanes, and scales are read as vectors. A panel is one
// stream, step after step of 8 groups; a step is
//   values   per group 8 quads of 64 bytes (16 rows x 4), cut into planes: whole bytes; or nibbles
//            (two quads a byte) followed by a plane of the fifth bits, or of the fifth and sixth
//   scales   small formats: per group 16 halves, then 16 halves of minima; super-blocks: 16 halves
//            d, 16 halves dmin, then per group and half 16 bytes of scales, 16 of minima
// and is padded to 64 bytes.
namespace onmal::kernels::ONMAL_ISA {

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

// Products of 8-bit weights need them signed where there is no u8 x s8 dot product.
#if defined(__AVX512VNNI__)
constexpr bool kSignedBytes = false;
#else
constexpr bool kSignedBytes = true;
#endif

template <typename Format>
struct Packed {
  typedef typename Format::Block Block;
  static constexpr bool kSuper = Format::kGroupsInBlock > 1;
  static constexpr bool kSigned = Format::kBits == 8 && kSignedBytes;
  static constexpr int kHighBits = Format::kBits == 8 ? 0 : Format::kBits - 4;
  static constexpr int kValueBytes = 64 * Format::kBits;
  static constexpr int kScaleBytes =  // of a group
      (kSuper ? 16 * Format::kHalves : 32) * (Format::kHasMinimum ? 2 : 1);
  static constexpr int kHeadBytes = kSuper ? (Format::kHasMinimum ? 64 : 32) : 0;

  static constexpr int64_t step_bytes(int64_t groups) {
    return (kHeadBytes + groups * (kValueBytes + kScaleBytes) + 63) / 64 * 64;
  }
  static constexpr int64_t panel_bytes(int64_t groups) {
    return groups / kInt8Step * step_bytes(kInt8Step) +
           (groups % kInt8Step == 0 ? 0 : step_bytes(groups % kInt8Step));
  }
};

// Lanes of 16 bits and of bytes, for shifts and masks by constants.
typedef uint16_t Lanes16 __attribute__((vector_size(sizeof(Ints))));
typedef uint8_t Lanes8 __attribute__((vector_size(sizeof(Ints))));

// (byte >> right << left) & mask, for every byte; mask has no bits that cross bytes.
ONMAL_INLINE Ints bits_of(Ints bytes, int right, int left, int mask) {
  const Lanes16 moved = reinterpret_cast<Lanes16>(bytes.v) >> right << left;
  const Lanes8 kept = reinterpret_cast<Lanes8>(moved) & static_cast<uint8_t>(mask);
  return {reinterpret_cast<decltype(Ints::v)>(kept)};
}

// Quad q (a constant once unrolled) of vector v of a group's weights.
template <typename Format>
ONMAL_INLINE Ints packed_quad(const uint8_t* values, int q, int v) {
  const uint8_t* lanes = values + v * 4 * Ints::kLanes;
  if constexpr (Format::kBits == 8) return Ints::load(lanes + q * 64);
  const Ints low = bits_of(Ints::load(lanes + q / 2 * 64), 4 * (q % 2), 0, 15);
  constexpr int kHigh = Packed<Format>::kHighBits;
  if constexpr (kHigh == 0) return low;
  const int at = kHigh == 1 ? q : 2 * (q % 4);  // of the bits within a byte
  const Ints plane = Ints::load(lanes + 256 + (kHigh == 1 ? 0 : q / 4 * 64));
  const Ints high = bits_of(plane, at > 4 ? at - 4 : 0, at < 4 ? 4 - at : 0, kHigh == 1 ? 16 : 48);
  return {reinterpret_cast<decltype(Ints::v)>(reinterpret_cast<Lanes8>(low.v) |
                                              reinterpret_cast<Lanes8>(high.v))};
}

ONMAL_INLINE Vec load_bytes(const uint8_t* p, bool is_signed) {
#if defined(ONMAL_ISA_AVX512)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {
      _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes))};
#else
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return {
      _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes))};
#endif
}

// The scales of one step, as they are stored behind its values.
template <typename Format>
struct StepScales {
  const uint8_t* place;
  Vec d[kVecs];
  Vec dmin[kVecs];

  ONMAL_INLINE StepScales(const uint8_t* step, int64_t groups)
      : place(step + groups * Packed<Format>::kValueBytes) {
    if constexpr (Packed<Format>::kSuper) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) {
        d[v] = halves(0, v);
        if constexpr (Format::kHasMinimum) dmin[v] = halves(32, v);
      }
      place += Packed<Format>::kHeadBytes;
    }
  }
  ONMAL_INLINE Vec halves(int64_t at, int v) const {
    return Vec::load_f16(reinterpret_cast<const uint16_t*>(place + at) + v * Vec::kWidth);
  }
  ONMAL_INLINE Vec scale(int64_t g, int h, int v) const {
    if constexpr (!Packed<Format>::kSuper) return halves(g * Packed<Format>::kScaleBytes, v);
    const int64_t at = g * Packed<Format>::kScaleBytes + h * 16 * (Format::kHasMinimum ? 2 : 1);
    return d[v] * load_bytes(place + at + v * Vec::kWidth, !Format::kHasMinimum);
  }
  ONMAL_INLINE Vec minimum(int64_t g, int h, int v) const {
    if constexpr (!Packed<Format>::kSuper)
      return Vec::zero() - halves(g * Packed<Format>::kScaleBytes + 32, v);
    const int64_t at = g * Packed<Format>::kScaleBytes + (2 * h + 1) * 16;
    return dmin[v] * load_bytes(place + at + v * Vec::kWidth, false);
  }
};

// ---- laying out ----

ONMAL_INLINE void raw_scales(const BlockQ4_K* block, uint8_t* scales, uint8_t* minima) {
  six_bit_values(block->scales, scales, minima);
}
ONMAL_INLINE void raw_scales(const BlockQ5_K* block, uint8_t* scales, uint8_t* minima) {
  six_bit_values(block->scales, scales, minima);
}
ONMAL_INLINE void raw_scales(const BlockQ6_K* block, uint8_t* scales, uint8_t*) {
  __builtin_memcpy(scales, block->scales, 16);
}
ONMAL_INLINE uint16_t raw_dmin(const BlockQ4_K* block) { return block->dmin; }
ONMAL_INLINE uint16_t raw_dmin(const BlockQ5_K* block) { return block->dmin; }
ONMAL_INLINE uint16_t raw_dmin(const BlockQ6_K*) { return 0; }

// 8 quads of 64 whole bytes to planes.
template <typename Format>
ONMAL_INLINE void store_planes(const uint8_t* quads, uint8_t* out) {
  if constexpr (Format::kBits == 8) {
    const uint8_t flip = Packed<Format>::kSigned ? 0x80 : 0;
    for (int i = 0; i < 512; ++i) out[i] = quads[i] ^ flip;
    return;
  }
  for (int pair = 0; pair < 4; ++pair) {
    for (int i = 0; i < 64; ++i) {
      out[pair * 64 + i] = static_cast<uint8_t>((quads[pair * 128 + i] & 15) |
                                                (quads[pair * 128 + 64 + i] & 15) << 4);
    }
  }
  constexpr int kHigh = Packed<Format>::kHighBits;
  if constexpr (kHigh > 0) {
    __builtin_memset(out + 256, 0, kHigh * 64);
    for (int q = 0; q < 8; ++q) {
      uint8_t* plane = out + 256 + (kHigh == 1 ? 0 : q / 4 * 64);
      const int at = kHigh == 1 ? q : 2 * (q % 4);
      for (int i = 0; i < 64; ++i)
        plane[i] = static_cast<uint8_t>(plane[i] | (quads[q * 64 + i] >> 4) << at);
    }
  }
}

template <typename Format>
ONMAL_INLINE void store_step_scales(const typename Format::Block* const (&rows)[kOutputs16],
                                    int groups, uint8_t* out) {
  typedef Packed<Format> Layout;
  __builtin_memset(out, 0, static_cast<size_t>(Layout::kHeadBytes + groups * Layout::kScaleBytes));
  for (int r = 0; r < kOutputs16; ++r) {
    if (rows[r] == nullptr) continue;
    if constexpr (Layout::kSuper) {
      uint8_t scales[16];
      uint8_t minima[16];
      raw_scales(rows[r], scales, minima);
      const uint16_t dmin = raw_dmin(rows[r]);
      __builtin_memcpy(out + 2 * r, &rows[r]->d, 2);
      if constexpr (Format::kHasMinimum) __builtin_memcpy(out + 32 + 2 * r, &dmin, 2);
      uint8_t* place = out + Layout::kHeadBytes + r;
      for (int i = 0; i < groups * Format::kHalves; ++i) {
        *place = scales[i];
        place += 16;
        if constexpr (Format::kHasMinimum) {
          *place = minima[i];
          place += 16;
        }
      }
    } else {
      for (int g = 0; g < groups; ++g) {
        uint8_t* place = out + g * Layout::kScaleBytes + 2 * r;
        const auto* bytes = reinterpret_cast<const uint8_t*>(rows[r] + g);
        __builtin_memcpy(place, bytes, 2);
        if constexpr (Format::kHasMinimum) __builtin_memcpy(place + 32, bytes + 2, 2);
      }
    }
  }
}

struct RepackAction {
  const uint8_t* w;
  int64_t row_bytes;
  int64_t rows;
  int64_t groups;
  uint8_t* out;

  template <typename Format>
  void run() {
    if constexpr (Format::kCanPack) {
      for (int64_t g = 0; g < groups; g += kInt8Step) {
        const int here = groups - g < kInt8Step ? static_cast<int>(groups - g) : 8;
        pack_step<Format>(g / kInt8Step, here);
        out += Packed<Format>::step_bytes(here);
      }
    }
  }

  template <typename Format>
  ONMAL_INLINE void pack_step(int64_t step, int here) {
    uint8_t bytes[kInt8Step][kOutputs16][kInt8Group];
    const typename Format::Block* blocks[kOutputs16];
    for (int r = 0; r < kOutputs16; ++r) {
      blocks[r] = r < rows ? step_at<Format>(w + r * row_bytes, step) : nullptr;
      if (r >= rows) {
        for (int i = 0; i < here; ++i) __builtin_memset(bytes[i][r], Format::kZero, kInt8Group);
        continue;
      }
      ONMAL_UNROLL_BYTES
      for (int i = 0; i < kInt8Step; ++i) {
        if (i < here) Format::bytes(blocks[r], i).store(bytes[i][r]);
      }
    }
    for (int i = 0; i < here; ++i) {
      uint8_t quads[kOutputs16 * kInt8Group];
      interleave_quads(bytes[i][0], quads);
      store_planes<Format>(quads, out + i * Packed<Format>::kValueBytes);
    }
    store_step_scales<Format>(blocks, here, out + here * Packed<Format>::kValueBytes);
  }
};

// ---- back to whole bytes, for prefill ----

struct UnpackAction {
  const uint8_t* packed;
  int64_t first;
  int64_t groups;
  int64_t all_groups;
  Int8Panel panel;

  template <typename Format>
  void run() {
    if constexpr (Format::kCanPack) {
      const uint8_t* step = packed + first / kInt8Step * Packed<Format>::step_bytes(kInt8Step);
      for (int64_t g = 0; g < groups; g += kInt8Step) {
        const int64_t left = all_groups - first - g;
        unpack_step<Format>(step, g, left < kInt8Step ? left : kInt8Step);
        step += Packed<Format>::step_bytes(kInt8Step);
      }
    }
  }

  template <typename Format>
  ONMAL_INLINE void unpack_step(const uint8_t* step, int64_t g, int64_t here) {
    const StepScales<Format> scales(step, here);
    for (int64_t i = 0; i < here; ++i) {
      unpack_group<Format>(step + i * Packed<Format>::kValueBytes, g + i);
#pragma GCC unroll 2
      for (int h = 0; h < Format::kHalves; ++h) {
        const int64_t at = (2 * (g + i) + h) * kOutputs16;
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) {
          scales.scale(i, h, v).store(panel.scales + at + v * Vec::kWidth);
          if constexpr (Format::kHasMinimum)
            scales.minimum(i, h, v).store(panel.minima + at + v * Vec::kWidth);
        }
      }
    }
  }

  template <typename Format>
  ONMAL_INLINE void unpack_group(const uint8_t* values, int64_t g) {
    uint8_t* out = panel.values + g * kPanelGroupBytes<Format>;
    if constexpr (!kUsesQuads<Format>) return widen_quads(values, 0, out);  // signed bytes
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) {
#pragma GCC unroll 2
      for (int v = 0; v < kVecs; ++v) {
        const Ints quad = packed_quad<Format>(values, q, v);
        __builtin_memcpy(out + q * 64 + v * 4 * Ints::kLanes, &quad.v, sizeof quad.v);
      }
    }
  }
};

// ---- products ----

struct PackedProblem {
  const uint8_t* packed;
  int64_t panels;
  int64_t groups;
  Int8Rows x;
  int64_t row;
  float* out;
  int64_t out_stride;
  int64_t outputs;
};

// About two microseconds of reading; nearer, lines of the wide formats come too late.
constexpr int64_t kPackedPrefetch = 6144;

template <typename Format, int kRows>
ONMAL_INLINE void start_sums(const int32_t* const (&totals)[kRows], int h, Ints (&sums)[kRows]) {
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    sums[m] = Ints::zero();
    if constexpr (Format::kZero != 0 && !Packed<Format>::kSigned) {
      constexpr int kShift = __builtin_ctz(Format::kZero);
      const int32_t total = Format::kHalves == 2 ? totals[m][h] : totals[m][0] + totals[m][1];
      const int32_t start = -(total << kShift);
      sums[m] = Ints::all(&start);
    }
  }
}

// The quads of one half of a group: sums += weights · x.
template <typename Format, int kRows>
ONMAL_INLINE void add_packed(const uint8_t* values, int h, int v, const int8_t* const (&x)[kRows],
                             Ints (&sums)[kRows]) {
  constexpr int kQuads = 8 / Format::kHalves;
#if defined(__AVX512VNNI__)
#pragma GCC unroll 8
  for (int i = 0; i < kQuads; ++i) {
    const int q = h * kQuads + i;
    const Ints weights = packed_quad<Format>(values, q, v);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m)
      sums[m] = Ints::quads(sums[m], weights, Ints::all(x[m] + 4 * q));
  }
#else
  constexpr int kFitting = Format::kBits <= 4   ? 8
                           : Format::kBits == 5 ? 4
                           : Format::kBits == 6 ? 2
                                                : 1;
  constexpr int kRun = kFitting < kQuads ? kFitting : kQuads;
#pragma GCC unroll 8
  for (int first = 0; first < kQuads; first += kRun) {
    Ints run[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRun; ++i) {
      const int q = h * kQuads + first + i;
      const Ints weights = packed_quad<Format>(values, q, v);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const Ints here = Ints::all(x[m] + 4 * q);
        const Ints found = Packed<Format>::kSigned
                               ? Ints::quads16(weights.magnitudes(), here.signed_by(weights))
                               : Ints::quads16(weights, here);
        run[m] = i == 0 ? found : Ints::add16(run[m], found);
        run[m].settle();
      }
    }
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) sums[m] = sums[m] + run[m].folded();
  }
#endif
}

template <typename Format, int kRows>
struct PackedRows {
  const int8_t* values[kRows];
  const float* scales[kRows];
  const float* sums[kRows];
  const int32_t* totals[kRows];

  ONMAL_INLINE PackedRows(const PackedProblem& p) {
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const int64_t at = (p.row + m) * p.x.groups;
      values[m] = p.x.values + at * kInt8Group;
      scales[m] = p.x.scales + at;
      sums[m] = Format::kHalves == 1 ? p.x.sums + at : p.x.half_sums + 2 * at;
      totals[m] = p.x.totals + 2 * at;
    }
  }
  ONMAL_INLINE void advance() {
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      values[m] += kInt8Group;
      scales[m] += 1;
      sums[m] += Format::kHalves;
      totals[m] += 2;
    }
  }
};

template <typename Format, int kRows>
ONMAL_INLINE void add_group(const uint8_t* values, const StepScales<Format>& scales, int64_t g,
                            const PackedRows<Format, kRows>& x, Vec (&sums)[kRows][kVecs]) {
#pragma GCC unroll 2
  for (int v = 0; v < kVecs; ++v) {
#pragma GCC unroll 2
    for (int h = 0; h < Format::kHalves; ++h) {
      Ints products[kRows];
      start_sums<Format, kRows>(x.totals, h, products);
      add_packed<Format, kRows>(values, h, v, x.values, products);
      const Vec scale = scales.scale(g, h, v);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        sums[m][v] = Vec::fma(products[m].floats(), scale * Vec::all(x.scales[m][0]), sums[m][v]);
      }
      if constexpr (Format::kHasMinimum) {
        const Vec below = Vec::zero() - scales.minimum(g, h, v);
#pragma GCC unroll 8
        for (int m = 0; m < kRows; ++m)
          sums[m][v] = Vec::fma(below, Vec::all(x.sums[m][h]), sums[m][v]);
      }
    }
  }
}

// One panel. Sums are made in the tile kernel's order (kInt8Stretch groups, then on to the total),
// so that a row's result does not depend on how many rows there are.
template <typename Format, int kRows>
ONMAL_INLINE void packed_panel(const PackedProblem& p, const uint8_t* step, float* out,
                               int64_t columns) {
  Vec totals[kRows][kVecs];
  Vec sums[kRows][kVecs];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) totals[m][v] = sums[m][v] = Vec::zero();
  }
  PackedRows<Format, kRows> x(p);
  for (int64_t g = 0; g < p.groups; g += kInt8Step) {
    const int64_t here = p.groups - g < kInt8Step ? p.groups - g : kInt8Step;
    const StepScales<Format> scales(step, here);
    for (int64_t i = 0; i < here; ++i) {
      const uint8_t* values = step + i * Packed<Format>::kValueBytes;
      // An eighth of a later step, its scales included.
      constexpr int64_t kPart = Packed<Format>::step_bytes(kInt8Step) / kInt8Step;
#pragma GCC unroll 9
      for (int64_t line = 0; line < kPart + 63; line += 64)
        __builtin_prefetch(step + i * kPart + kPackedPrefetch + line);
      add_group<Format, kRows>(values, scales, i, x, sums);
      x.advance();
    }
    step += Packed<Format>::step_bytes(kInt8Step);
    if ((g + kInt8Step) % kInt8Stretch == 0 || g + kInt8Step >= p.groups) {
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 2
        for (int v = 0; v < kVecs; ++v) {
          totals[m][v] = totals[m][v] + sums[m][v];
          sums[m][v] = Vec::zero();
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    float lanes[kOutputs16];
    for (int v = 0; v < kVecs; ++v) totals[m][v].store(lanes + v * Vec::kWidth);
    __builtin_memcpy(out + m * p.out_stride, lanes, static_cast<size_t>(columns) * sizeof(float));
  }
}

#if defined(ONMAL_ISA_AVX512)
constexpr int64_t kPackedRows = 8;
#else
constexpr int64_t kPackedRows = 4;
#endif

struct PackedAction {
  PackedProblem p;
  int64_t rows;

  template <typename Format>
  void run() {
    if constexpr (Format::kCanPack) {
      for (int64_t panel = 0; panel < p.panels; ++panel) {
        const int64_t done = panel * kOutputs16;
        const uint8_t* step = p.packed + panel * Packed<Format>::panel_bytes(p.groups);
        const int64_t columns = p.outputs - done < kOutputs16 ? p.outputs - done : kOutputs16;
        for (int64_t m = 0; m < rows; m += kPackedRows) {
          PackedProblem part = p;
          part.row += m;
          const int64_t here = rows - m < kPackedRows ? rows - m : kPackedRows;
          some_rows<Format>(part, step, p.out + m * p.out_stride + done, columns, here);
        }
      }
    }
  }

  template <typename Format>
  ONMAL_INLINE static void some_rows(const PackedProblem& p, const uint8_t* step, float* out,
                                     int64_t columns, int64_t rows) {
    switch (rows) {
      case 1:
        return packed_panel<Format, 1>(p, step, out, columns);
      case 2:
        return packed_panel<Format, 2>(p, step, out, columns);
      case 3:
        return packed_panel<Format, 3>(p, step, out, columns);
#if defined(ONMAL_ISA_AVX512)
      case 5:
        return packed_panel<Format, 5>(p, step, out, columns);
      case 6:
        return packed_panel<Format, 6>(p, step, out, columns);
      case 7:
        return packed_panel<Format, 7>(p, step, out, columns);
      case 8:
        return packed_panel<Format, 8>(p, step, out, columns);
#endif
      default:
        return packed_panel<Format, 4>(p, step, out, columns);
    }
  }
};

#endif

}  // namespace onmal::kernels::ONMAL_ISA
