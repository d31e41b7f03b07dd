#pragma once

#include "kernels/vector/int8_tile.h"
#include "kernels/vector/transpose.h"

namespace onmal::kernels::ONMAL_ISA {

// Sixteen rows, of which row(r) gives the bytes of one; out: 8 quads x 16 rows x 4 bytes.
#if defined(ONMAL_ISA_AVX512)

template <typename Row>
ONMAL_INLINE void interleave_rows(const Row& row, uint8_t* out) {
  __m512i r[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    r[i] = _mm512_inserti64x4(_mm512_castsi256_si512(row(i).v), row(i + 8).v, 1);
  transpose_fours(r);
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm512_storeu_si512(out + 64 * i, _mm512_permutex2var_epi64(r[i], low, r[i + 4]));
    _mm512_storeu_si512(out + 64 * (i + 4), _mm512_permutex2var_epi64(r[i], high, r[i + 4]));
  }
}

#elif defined(ONMAL_ISA_AVX2)

template <typename Row>
ONMAL_INLINE void interleave_rows(const Row& row, uint8_t* out) {
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    __m256i r[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) r[i] = row(8 * half + i).v;
    transpose_fours(r);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      uint8_t* place = out + 64 * i + 32 * half;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(place),
                          _mm256_permute2x128_si256(r[i], r[i + 4], 0x20));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(place + 256),
                          _mm256_permute2x128_si256(r[i], r[i + 4], 0x31));
    }
  }
}

#else

template <typename Row>
ONMAL_INLINE void interleave_rows(const Row& row, uint8_t* out) {
  for (int r = 0; r < kOutputs16; ++r) {
    const Bytes32 bytes = row(r);
    for (int q = 0; q < 8; ++q) __builtin_memcpy(out + q * 64 + r * 4, bytes.v + q * 4, 4);
  }
}

#endif

// rows: 16 x 32 bytes.
ONMAL_INLINE void interleave_quads(const uint8_t* rows, uint8_t* out) {
  interleave_rows([rows](int r) { return Bytes32::load(rows + 32 * r); }, out);
}

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

// quads: 8 x 16 rows x 4 bytes; out: 16 pairs x 16 rows x 2 of them, `zero` taken off, in 16 bits.
ONMAL_INLINE void widen_quads(const uint8_t* quads, int zero, uint8_t* out) {
  const __m128i below = _mm_set1_epi8(static_cast<char>(zero));
  for (int q = 0; q < 8; ++q) {
#pragma GCC unroll 4
    for (int r = 0; r < kOutputs16; r += 4) {
      const __m128i bytes =
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(quads + q * 64 + r * 4));
      const __m256i wide = _mm256_cvtepi8_epi16(_mm_sub_epi8(bytes, below));
      const __m256i sorted = _mm256_permute4x64_epi64(_mm256_shuffle_epi32(wide, 0xD8), 0xD8);
      uint8_t* first = out + q * 128 + r * 4;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(first), _mm256_castsi256_si128(sorted));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(first + 64), _mm256_extracti128_si256(sorted, 1));
    }
  }
}

#else

ONMAL_INLINE void widen_quads(const uint8_t* quads, int zero, uint8_t* out) {
  for (int q = 0; q < 8; ++q) {
    for (int r = 0; r < kOutputs16; ++r) {
      for (int i = 0; i < 4; ++i) {
        const auto value = static_cast<int16_t>(quads[q * 64 + r * 4 + i] - zero);
        __builtin_memcpy(out + q * 128 + i / 2 * 64 + r * 4 + i % 2 * 2, &value, sizeof value);
      }
    }
  }
}

#endif

// Scales of 16 rows of one step, turned so that a group's stand together.
template <typename Format>
ONMAL_INLINE void store_scales(const float (&rows)[kOutputs16][16], int64_t g, int groups,
                               float* out) {
  for (int i = 0; i < groups; ++i) {
    for (int h = 0; h < Format::kHalves; ++h) {
      float* target = out + (2 * (g + i) + h) * kOutputs16;
      for (int r = 0; r < kOutputs16; ++r) target[r] = rows[r][i * Format::kHalves + h];
    }
  }
}

constexpr int64_t kPanelPrefetch = 1024;  // bytes ahead, of each row

struct PanelAction {
  const uint8_t* w;
  int64_t row_bytes;
  int64_t rows;
  int64_t first;
  int64_t groups;
  Int8Panel panel;

  template <typename Format>
  void run() {
    for (int64_t g = 0; g < groups; g += kInt8Step) {
      const int here =
          groups - g < kInt8Step ? static_cast<int>(groups - g) : static_cast<int>(kInt8Step);
      pack_step<Format>(g, here);
    }
  }

  // Group g of the panel, of which row(r) gives a row's bytes.
  template <typename Format, typename Row>
  ONMAL_INLINE void store_group(int64_t g, const Row& row) {
    uint8_t* out = panel.values + g * kPanelGroupBytes<Format>;
    if constexpr (kUsesQuads<Format>) {
      interleave_rows(row, out);
    } else {
      uint8_t quads[kOutputs16 * kInt8Group];
      interleave_rows(row, quads);
      widen_quads(quads, Format::kZero, out);
    }
  }

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  // Sixteen rows of a small format, by registers alone.
  template <typename Format>
  ONMAL_INLINE void pack_small_step(int64_t g, int here) {
    const typename Format::Block* blocks[kOutputs16];
    uint16_t scales[kInt8Step][kOutputs16];
    uint16_t minima[kInt8Step][kOutputs16];
    constexpr auto kBlockBytes = static_cast<int64_t>(sizeof(typename Format::Block));
    const int64_t left = (groups - g) * kBlockBytes;
    const int64_t ahead = left > kPanelPrefetch
                              ? kPanelPrefetch
                              : kOutputs16 * row_bytes + kPanelPrefetch - groups * kBlockBytes;
    for (int r = 0; r < kOutputs16; ++r) {
      blocks[r] = step_at<Format>(w + r * row_bytes, (first + g) / kInt8Step);
      for (int i = 0; i < here; ++i) {
        const auto* bytes = reinterpret_cast<const uint8_t*>(blocks[r] + i);
        __builtin_prefetch(bytes + ahead);
        __builtin_memcpy(&scales[i][r], bytes, 2);
        if constexpr (Format::kHasMinimum) __builtin_memcpy(&minima[i][r], bytes + 2, 2);
      }
    }
    for (int i = 0; i < here; ++i)
      store_group<Format>(g + i, [&](int r) { return Format::bytes(blocks[r], i); });
    for (int i = 0; i < here; ++i) {
      const int64_t at = 2 * (g + i) * kOutputs16;
#pragma GCC unroll 2
      for (int lane = 0; lane < kOutputs16; lane += Vec::kWidth) {
        Vec::load_f16(scales[i] + lane).store(panel.scales + at + lane);
        if constexpr (Format::kHasMinimum)
          (Vec::zero() - Vec::load_f16(minima[i] + lane)).store(panel.minima + at + lane);
      }
    }
  }
#endif

  template <typename Format>
  ONMAL_INLINE void pack_step(int64_t g, int here) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
    if constexpr (Format::kGroupsInBlock == 1) {
      if (rows == kOutputs16) return pack_small_step<Format>(g, here);
    }
#endif
    float scales[kOutputs16][16] = {};
    float minima[kOutputs16][16] = {};
    uint8_t bytes[kInt8Step][kOutputs16][kInt8Group];
    const int64_t step = (first + g) / kInt8Step;
    for (int r = 0; r < kOutputs16; ++r) {
      if (r >= rows) {
        for (int i = 0; i < here; ++i) __builtin_memset(bytes[i][r], 0, kInt8Group);
        continue;
      }
      const auto* block = step_at<Format>(w + r * row_bytes, step);
      Format::scales(block, here, scales[r], minima[r]);
      ONMAL_UNROLL_BYTES
      for (int i = 0; i < kInt8Step; ++i) {
        if (i < here) Format::bytes(block, i).store(bytes[i][r]);
      }
    }
    store_scales<Format>(scales, g, here, panel.scales);
    if constexpr (Format::kHasMinimum) store_scales<Format>(minima, g, here, panel.minima);
    for (int i = 0; i < here; ++i)
      store_group<Format>(g + i, [&](int r) { return Bytes32::load(bytes[i][r]); });
  }
};

struct TilePackAction {
  const Int8Rows& x;
  int64_t row;
  int64_t rows;
  const Int8Tile& tile;

  template <typename Format>
  void run() {
    for (int64_t m = 0; m < kTileRows; ++m) {
      const bool there = m < rows;
      const int64_t at = (row + (there ? m : 0)) * x.groups;
      for (int64_t g = 0; g < x.groups; ++g) {
        tile.scales[g * kTileRows + m] = there ? x.scales[at + g] : 0.0F;
        pack_values<Format>(x.values + (at + g) * kInt8Group, g, m, there);
        pack_sums<Format>(at + g, g, m, there);
      }
    }
  }

  // Those that the format's products look at.
  template <typename Format>
  ONMAL_INLINE void pack_sums(int64_t from, int64_t g, int64_t m, bool there) {
#pragma GCC unroll 2
    for (int64_t h = 0; h < Format::kHalves; ++h) {
      const int64_t to = (2 * g + h) * kTileRows + m;
      if constexpr (Format::kZero != 0) {
        const int32_t* halves = x.totals + 2 * from;
        const int32_t total = Format::kHalves == 2 ? halves[h] : halves[0] + halves[1];
        tile.starts[to] = there ? -Format::kZero * total : 0;
      }
      if constexpr (Format::kHasMinimum) {
        const float sum = Format::kHalves == 2 ? x.half_sums[2 * from + h] : x.sums[from];
        tile.sums[to] = there ? sum : 0.0F;
      }
    }
  }

  template <typename Format>
  ONMAL_INLINE void pack_values(const int8_t* values, int64_t g, int64_t m, bool there) {
    constexpr int kWords = kUsesQuads<Format> ? 8 : 16;  // of 32 bits: quads or pairs
    int32_t words[kWords] = {};
    if (there && kUsesQuads<Format>) __builtin_memcpy(words, values, kInt8Group);
    if (there && !kUsesQuads<Format>) widen_row(values, words);
    auto* place = static_cast<int32_t*>(tile.values) + g * kWords * kTileRows + m;
    for (int q = 0; q < kWords; ++q) place[q * kTileRows] = words[q];
  }

  static ONMAL_INLINE void widen_row(const int8_t* values, int32_t* words) {
    int16_t wide[kInt8Group];
    for (int i = 0; i < kInt8Group; ++i) wide[i] = values[i];
    __builtin_memcpy(words, wide, sizeof wide);
  }
};

}  // namespace onmal::kernels::ONMAL_ISA
