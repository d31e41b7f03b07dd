#pragma once

#include "kernels/vector/int8_formats.h"

// Prefill: a tile of rounded rows of x against a panel of 16 weight rows, sums in registers.
//
// Two ways to multiply, chosen per instruction set and format:
//   quads: unsigned weights times signed x, four products added up per 32-bit lane
//          (vpdpbusd; or vpmaddubsw, whose 16-bit sums hold kRun products of such formats);
//   pairs: signed 16-bit weights times 16-bit x, two per lane (pmaddwd), where 8-bit weights would
//          overflow those sums. Panels hold the weights so widened.
namespace onmal::kernels::ONMAL_ISA {

constexpr int kOutputs16 = static_cast<int>(kInt8PanelOutputs);

// Ints::settle: the value is there, in a register. Without, GCC puts additions off until all the
// products they wait for have filled the registers and gone to the stack.

// Twelve sums of integers, their twelve totals, the weights and a quad of x fill the 32 registers.
// Two panels side by side halve the reads of x, which would otherwise keep the products waiting;
// where products take two instructions, that matters less than the panels' reads.
#if defined(ONMAL_ISA_AVX512)
#if defined(__AVX512VNNI__)
constexpr int kTileRows = 6;
constexpr int kTilePanels = 2;
#else
constexpr int kTileRows = 12;
constexpr int kTilePanels = 1;
#endif

struct Ints {
  static constexpr int kLanes = 16;
  __m512i v;
  static ONMAL_INLINE Ints zero() { return {_mm512_setzero_si512()}; }
  static ONMAL_INLINE Ints all(const int32_t* p) { return {_mm512_set1_epi32(*p)}; }
  static ONMAL_INLINE Ints all(const int8_t* p) {  // four bytes
    int32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return {_mm512_set1_epi32(word)};
  }
  static ONMAL_INLINE Ints load(const void* p) { return {_mm512_loadu_si512(p)}; }
  ONMAL_INLINE Vec floats() const { return {_mm512_cvtepi32_ps(v)}; }
  friend ONMAL_INLINE Ints operator+(Ints a, Ints b) { return {_mm512_add_epi32(a.v, b.v)}; }
  // 16-bit lanes
  static ONMAL_INLINE Ints add16(Ints a, Ints b) { return {_mm512_add_epi16(a.v, b.v)}; }
  ONMAL_INLINE void settle() { asm("" : "+v"(v)); }
  static ONMAL_INLINE Ints quads16(Ints u, Ints s) { return {_mm512_maddubs_epi16(u.v, s.v)}; }
  static ONMAL_INLINE Ints pairs(Ints a, Ints b) { return {_mm512_madd_epi16(a.v, b.v)}; }
  ONMAL_INLINE Ints folded() const { return {_mm512_madd_epi16(v, _mm512_set1_epi16(1))}; }
  // Bytes: |v|, and v with the sign of `other` (any where that is 0).
  ONMAL_INLINE Ints magnitudes() const { return {_mm512_abs_epi8(v)}; }
  ONMAL_INLINE Ints signed_by(Ints other) const {
    return {_mm512_mask_sub_epi8(v, _mm512_movepi8_mask(other.v), _mm512_setzero_si512(), v)};
  }
#if defined(__AVX512VNNI__)
  static ONMAL_INLINE Ints quads(Ints sum, Ints u, Ints s) {
    return {_mm512_dpbusd_epi32(sum.v, u.v, s.v)};
  }
#endif
};

#elif defined(ONMAL_ISA_AVX2)

// Eight sums, the weights of two vectors and one quad of x fill the sixteen registers.
constexpr int kTileRows = 4;
constexpr int kTilePanels = 1;

struct Ints {
  static constexpr int kLanes = 8;
  __m256i v;
  static ONMAL_INLINE Ints zero() { return {_mm256_setzero_si256()}; }
  static ONMAL_INLINE Ints all(const int32_t* p) { return {_mm256_set1_epi32(*p)}; }
  static ONMAL_INLINE Ints all(const int8_t* p) {  // four bytes
    int32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return {_mm256_set1_epi32(word)};
  }
  static ONMAL_INLINE Ints load(const void* p) {
    return {_mm256_loadu_si256(static_cast<const __m256i*>(p))};
  }
  ONMAL_INLINE Vec floats() const { return {_mm256_cvtepi32_ps(v)}; }
  friend ONMAL_INLINE Ints operator+(Ints a, Ints b) { return {_mm256_add_epi32(a.v, b.v)}; }
  static ONMAL_INLINE Ints add16(Ints a, Ints b) { return {_mm256_add_epi16(a.v, b.v)}; }
  ONMAL_INLINE void settle() { asm("" : "+x"(v)); }
  static ONMAL_INLINE Ints quads16(Ints u, Ints s) { return {_mm256_maddubs_epi16(u.v, s.v)}; }
  static ONMAL_INLINE Ints pairs(Ints a, Ints b) { return {_mm256_madd_epi16(a.v, b.v)}; }
  ONMAL_INLINE Ints folded() const { return {_mm256_madd_epi16(v, _mm256_set1_epi16(1))}; }
  // Bytes: |v|, and v with the sign of `other` (0 where that is 0).
  ONMAL_INLINE Ints magnitudes() const { return {_mm256_abs_epi8(v)}; }
  ONMAL_INLINE Ints signed_by(Ints other) const { return {_mm256_sign_epi8(v, other.v)}; }
};

#else

constexpr int kTileRows = 3;
constexpr int kTilePanels = 1;

struct Ints {
  static constexpr int kLanes = 4;
  typedef int32_t Four __attribute__((vector_size(16)));
  typedef int16_t Eight16 __attribute__((vector_size(16)));
  Four v;
  static ONMAL_INLINE Ints zero() { return {Four{0, 0, 0, 0}}; }
  static ONMAL_INLINE Ints all(const int32_t* p) { return {Four{*p, *p, *p, *p}}; }
  static ONMAL_INLINE Ints load(const void* p) {
    Ints out;
    __builtin_memcpy(&out.v, p, sizeof out.v);
    return out;
  }
  ONMAL_INLINE Vec floats() const {
    float lanes[4];
    for (int i = 0; i < 4; ++i) lanes[i] = static_cast<float>(v[i]);
    return Vec::load(lanes);
  }
  friend ONMAL_INLINE Ints operator+(Ints a, Ints b) { return {a.v + b.v}; }
  ONMAL_INLINE void settle() {}
  static ONMAL_INLINE Ints pairs(Ints a, Ints b) {
#if defined(__SSE2__)
    return {reinterpret_cast<Four>(
        _mm_madd_epi16(reinterpret_cast<__m128i>(a.v), reinterpret_cast<__m128i>(b.v)))};
#else
    Eight16 x;
    Eight16 y;
    __builtin_memcpy(&x, &a.v, sizeof x);
    __builtin_memcpy(&y, &b.v, sizeof y);
    Ints out;
    for (int i = 0; i < 4; ++i) out.v[i] = x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
    return out;
#endif
  }
};

#endif

constexpr int kVecs = kOutputs16 / Ints::kLanes;
constexpr int kTileVecs = kVecs * kTilePanels;
static_assert(Ints::kLanes == Vec::kWidth);

#if defined(ONMAL_ISA_AVX512) && defined(__AVX512VNNI__)
template <typename Format>
constexpr bool kUsesQuads = true;
#elif defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
template <typename Format>
constexpr bool kUsesQuads = Format::kBits < 8;
#else
template <typename Format>
constexpr bool kUsesQuads = false;
#endif

struct TileProblem {
  Int8Tile tile;
  int64_t first;  // group of it
  Int8Panel panels[kTilePanels];
  int64_t groups;
  int64_t rows;
  int64_t columns;
  bool accumulate;
  float* out;
  int64_t out_stride;
};

typedef Ints Sums[kTileRows][kTileVecs];
typedef Vec Totals[kTileRows][kTileVecs];

// Vector v of a tile's outputs lies in panel v / kVecs, from lane lane_of(v) on.
constexpr int lane_of(int v) { return v % kVecs * Ints::kLanes; }

// Bytes of a panel's group.
template <typename Format>
constexpr int64_t kPanelGroupBytes = kOutputs16* kInt8Group*(kUsesQuads<Format> ? 1 : 2);

// One group's weights in each panel.
typedef const uint8_t* PanelValues[kTilePanels];

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
// sums = starts + quads [begin, end) of one group; `x` has kTileRows quads of bytes for each.
template <typename Format>
ONMAL_INLINE void add_quads(const PanelValues& w, const int32_t* x, const int32_t* starts,
                            int begin, int end, Sums& sums) {
#if defined(__AVX512VNNI__)
#pragma GCC unroll 12
  for (int m = 0; m < kTileRows; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kTileVecs; ++v)
      sums[m][v] = Format::kZero == 0 ? Ints::zero() : Ints::all(starts + m);
  }
#pragma GCC unroll 8
  for (int q = begin; q < end; ++q) {
    Ints weights[kTileVecs];
#pragma GCC unroll 2
    for (int v = 0; v < kTileVecs; ++v) weights[v] = Ints::load(w[v] + q * 64);
#pragma GCC unroll 12
    for (int m = 0; m < kTileRows; ++m) {
      const Ints here = Ints::all(x + q * kTileRows + m);
#pragma GCC unroll 2
      for (int v = 0; v < kTileVecs; ++v) sums[m][v] = Ints::quads(sums[m][v], weights[v], here);
    }
  }
#else
  // How many quads' products fit a 16-bit sum: 2 * 127 * (2^bits - 1) each.
  constexpr int kFitting = Format::kBits <= 4 ? 8 : Format::kBits == 5 ? 4 : 2;
  constexpr int kRun = kFitting < 8 / Format::kHalves ? kFitting : 8 / Format::kHalves;
#pragma GCC unroll 4
  for (int first = begin; first < end; first += kRun) {
    Sums run;
#pragma GCC unroll 8
    for (int i = 0; i < kRun; ++i) {
      const int q = first + i;
      Ints weights[kTileVecs];
#pragma GCC unroll 2
      for (int v = 0; v < kTileVecs; ++v)
        weights[v] = Ints::load(w[v / kVecs] + q * 64 + 4 * lane_of(v));
#pragma GCC unroll 12
      for (int m = 0; m < kTileRows; ++m) {
        const Ints here = Ints::all(x + q * kTileRows + m);
#pragma GCC unroll 2
        for (int v = 0; v < kTileVecs; ++v) {
          const Ints found = Ints::quads16(weights[v], here);
          run[m][v] = i == 0 ? found : Ints::add16(run[m][v], found);
          run[m][v].settle();
        }
      }
    }
    // Only now: there are not enough registers to hold both sums while multiplying.
#pragma GCC unroll 12
    for (int m = 0; m < kTileRows; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < kTileVecs; ++v) {
        const Ints folded = run[m][v].folded();
        if (first > begin) {
          sums[m][v] = sums[m][v] + folded;
        } else if (Format::kZero == 0) {
          sums[m][v] = folded;
        } else {
          sums[m][v] = folded + Ints::all(starts + m);
        }
      }
    }
  }
#endif
}
#endif

// sums = pairs [begin, end) of one group; `x` has kTileRows pairs of 16-bit values for each.
ONMAL_INLINE void add_pairs(const PanelValues& w, const int32_t* x, int begin, int end,
                            Sums& sums) {
#pragma GCC unroll 16
  for (int q = begin; q < end; ++q) {
    Ints weights[kTileVecs];
#pragma GCC unroll 4
    for (int v = 0; v < kTileVecs; ++v)
      weights[v] = Ints::load(w[v / kVecs] + q * 64 + 4 * lane_of(v));
#pragma GCC unroll 12
    for (int m = 0; m < kTileRows; ++m) {
      const Ints here = Ints::all(x + q * kTileRows + m);
#pragma GCC unroll 4
      for (int v = 0; v < kTileVecs; ++v) {
        const Ints found = Ints::pairs(weights[v], here);
        sums[m][v] = q == begin ? found : sums[m][v] + found;
        sums[m][v].settle();
      }
    }
  }
}

// Half h (of kHalves) of group g: integer sums, then scaled into `out`.
template <typename Format>
ONMAL_INLINE void add_half(const TileProblem& p, int64_t g, int h, Totals& out) {
  Sums sums;
  PanelValues w;
  const int64_t at_tile = p.first + g;
  for (int panel = 0; panel < kTilePanels; ++panel)
    w[panel] = p.panels[panel].values + g * kPanelGroupBytes<Format>;
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  if constexpr (kUsesQuads<Format>) {
    constexpr int kQuads = 8 / Format::kHalves;
    const auto* x = static_cast<const int32_t*>(p.tile.values) + at_tile * 8 * kTileRows;
    add_quads<Format>(w, x, p.tile.starts + (2 * at_tile + h) * kTileRows, h * kQuads,
                      (h + 1) * kQuads, sums);
  } else
#endif
  {
    constexpr int kPairs = 16 / Format::kHalves;
    const auto* x = static_cast<const int32_t*>(p.tile.values) + at_tile * 16 * kTileRows;
    add_pairs(w, x, h * kPairs, (h + 1) * kPairs, sums);
  }
#pragma GCC unroll 4
  for (int v = 0; v < kTileVecs; ++v) {
    const Int8Panel& panel = p.panels[v / kVecs];
    const int64_t at = (2 * g + h) * kOutputs16 + lane_of(v);
    const Vec scale = Vec::load(panel.scales + at);
#pragma GCC unroll 12
    for (int m = 0; m < kTileRows; ++m) {
      out[m][v] = Vec::fma(sums[m][v].floats(),
                           scale * Vec::all(p.tile.scales[at_tile * kTileRows + m]), out[m][v]);
    }
    if constexpr (Format::kHasMinimum) {
      const Vec below = Vec::zero() - Vec::load(panel.minima + at);
      const float* totals = p.tile.sums + (2 * at_tile + h) * kTileRows;
#pragma GCC unroll 12
      for (int m = 0; m < kTileRows; ++m)
        out[m][v] = Vec::fma(below, Vec::all(totals[m]), out[m][v]);
    }
  }
}

ONMAL_INLINE void store_tile(const TileProblem& p, const Totals& sums) {
  constexpr int64_t kColumns = kTilePanels * kOutputs16;
  for (int m = 0; m < kTileRows && m < p.rows; ++m) {
    float* row = p.out + m * p.out_stride;
    float lanes[kColumns];
    for (int v = 0; v < kTileVecs; ++v) sums[m][v].store(lanes + v * Vec::kWidth);
    if (p.columns == kColumns) {
      for (int v = 0; v < kTileVecs; ++v) {
        const Vec before = p.accumulate ? Vec::load(row + v * Vec::kWidth) : Vec::zero();
        (before + sums[m][v]).store(row + v * Vec::kWidth);
      }
    } else {
      for (int64_t n = 0; n < p.columns; ++n) row[n] = (p.accumulate ? row[n] : 0.0F) + lanes[n];
    }
  }
}

struct TileAction {
  const TileProblem& p;

  template <typename Format>
  void run() {
    Totals sums;
    for (int m = 0; m < kTileRows; ++m) {
      for (int v = 0; v < kTileVecs; ++v) sums[m][v] = Vec::zero();
    }
    for (int64_t g = 0; g < p.groups; ++g) {
#pragma GCC unroll 2
      for (int h = 0; h < Format::kHalves; ++h) add_half<Format>(p, g, h, sums);
    }
    store_tile(p, sums);
  }
};

}  // namespace onmal::kernels::ONMAL_ISA
