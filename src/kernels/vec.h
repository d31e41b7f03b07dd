#pragma once

// One vector of floats, as wide as the instruction set this file is compiled for. Kernels in
// kernels/vector/ are written once over it; CMake compiles that folder once per instruction set
// with ONMAL_ISA naming the namespace. Those files must not use inline functions or templates of
// the standard library: the linker would keep one copy for all instruction sets, perhaps the one
// that this processor cannot run.

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef ONMAL_ISA
#error "compile kernels/vector/ through kernels.cmake, which names the instruction set"
#endif

#define ONMAL_INLINE inline __attribute__((always_inline))

namespace onmal::kernels::ONMAL_ISA {

#if defined(ONMAL_ISA_AVX512)

struct Vec {
  static constexpr int kWidth = 16;
  __m512 v;

  static ONMAL_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
  static ONMAL_INLINE Vec all(float x) { return {_mm512_set1_ps(x)}; }
  // One half, widened, in every lane.
  static ONMAL_INLINE Vec all_f16(uint16_t half) {
    return {_mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(half)))};
  }
  static ONMAL_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static ONMAL_INLINE Vec load_bf16(const uint16_t* p) {
    const __m512i wide =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
  }
  static ONMAL_INLINE Vec load_f16(const uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static ONMAL_INLINE Vec load_i8(const int8_t* p) {
    return {_mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }
  ONMAL_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  ONMAL_INLINE void store_bf16(uint16_t* p) const {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i high = _mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(high));
  }
  ONMAL_INLINE void store_f16(uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }

  friend ONMAL_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
  // a * b + c
  static ONMAL_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static ONMAL_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  static ONMAL_INLINE Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  static ONMAL_INLINE Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
  static ONMAL_INLINE Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
  // To the nearest integer, ties to even.
  static ONMAL_INLINE Vec round(Vec a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT)};
  }
  // a * 2^n for an integral-valued n
  static ONMAL_INLINE Vec scale_pow2(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
  // a < b ? x : y
  static ONMAL_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
    return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
  }
  ONMAL_INLINE float sum() const { return _mm512_reduce_add_ps(v); }
  ONMAL_INLINE float largest() const { return _mm512_reduce_max_ps(v); }
};

#elif defined(ONMAL_ISA_AVX2)

struct Vec {
  static constexpr int kWidth = 8;
  __m256 v;

  static ONMAL_INLINE Vec zero() { return {_mm256_setzero_ps()}; }
  static ONMAL_INLINE Vec all(float x) { return {_mm256_set1_ps(x)}; }
  static ONMAL_INLINE Vec all_f16(uint16_t half) {
    return {_mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(half)))};
  }
  static ONMAL_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static ONMAL_INLINE Vec load_bf16(const uint16_t* p) {
    const __m256i wide =
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16))};
  }
  static ONMAL_INLINE Vec load_f16(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static ONMAL_INLINE Vec load_i8(const int8_t* p) {
    return {_mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  ONMAL_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  ONMAL_INLINE void store_bf16(uint16_t* p) const {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }
  ONMAL_INLINE void store_f16(uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }

  friend ONMAL_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
  static ONMAL_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static ONMAL_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  static ONMAL_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  static ONMAL_INLINE Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
  static ONMAL_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
  static ONMAL_INLINE Vec round(Vec a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static ONMAL_INLINE Vec scale_pow2(Vec a, Vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)))};
  }
  static ONMAL_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
    return {_mm256_blendv_ps(y.v, x.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
  }
  ONMAL_INLINE float sum() const {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
  }
  ONMAL_INLINE float largest() const {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
  }
};

#elif defined(ONMAL_ISA_NEON)

struct Vec {
  static constexpr int kWidth = 4;
  float32x4_t v;

  static ONMAL_INLINE Vec zero() { return {vdupq_n_f32(0.0F)}; }
  static ONMAL_INLINE Vec all(float x) { return {vdupq_n_f32(x)}; }
  static ONMAL_INLINE Vec all_f16(uint16_t half) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half)))};
  }
  static ONMAL_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
  static ONMAL_INLINE Vec load_bf16(const uint16_t* p) {
    return {vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16))};
  }
  static ONMAL_INLINE Vec load_f16(const uint16_t* p) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))};
  }
  static ONMAL_INLINE Vec load_i8(const int8_t* p) {
    const float x[4] = {static_cast<float>(p[0]), static_cast<float>(p[1]),
                        static_cast<float>(p[2]), static_cast<float>(p[3])};
    return {vld1q_f32(x)};
  }
  ONMAL_INLINE void store(float* p) const { vst1q_f32(p, v); }
  ONMAL_INLINE void store_bf16(uint16_t* p) const {
    const uint32x4_t bits = vreinterpretq_u32_f32(v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7FFF)), odd);
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    vst1_u16(p, vshrn_n_u32(vbslq_u32(vceqq_f32(v, v), rounded, quiet), 16));
  }
  ONMAL_INLINE void store_f16(uint16_t* p) const {
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
  }

  friend ONMAL_INLINE Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
  friend ONMAL_INLINE Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
  static ONMAL_INLINE Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
  static ONMAL_INLINE Vec max(Vec a, Vec b) { return {vmaxq_f32(a.v, b.v)}; }
  static ONMAL_INLINE Vec min(Vec a, Vec b) { return {vminq_f32(a.v, b.v)}; }
  static ONMAL_INLINE Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
  static ONMAL_INLINE Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
  static ONMAL_INLINE Vec round(Vec a) { return {vrndnq_f32(a.v)}; }
  static ONMAL_INLINE Vec scale_pow2(Vec a, Vec n) {
    const int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n.v), vdupq_n_s32(127));
    return {vmulq_f32(a.v, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)))};
  }
  static ONMAL_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
    return {vbslq_f32(vcltq_f32(a.v, b.v), x.v, y.v)};
  }
  ONMAL_INLINE float sum() const { return vaddvq_f32(v); }
  ONMAL_INLINE float largest() const { return vmaxvq_f32(v); }
};

#else  // baseline: what every x86-64 has, written with the compiler's own vectors

struct Vec {
  static constexpr int kWidth = 4;
  typedef float Floats __attribute__((vector_size(16)));
  typedef int32_t Ints __attribute__((vector_size(16)));
  Floats v;

  static ONMAL_INLINE Vec zero() { return {Floats{0, 0, 0, 0}}; }
  static ONMAL_INLINE Vec all(float x) { return {Floats{x, x, x, x}}; }
  static ONMAL_INLINE Vec load(const float* p) {
    Floats x;
    __builtin_memcpy(&x, p, sizeof x);
    return {x};
  }
  static ONMAL_INLINE float widen_bf16(uint16_t half) {
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
  }
  static ONMAL_INLINE float widen_f16(uint16_t half) {
    const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
    const uint32_t rest = half & 0x7FFFU;
    uint32_t bits = sign | ((rest << 13) + 0x38000000U);
    if (rest >= 0x7C00U) bits = sign | 0x7F800000U | ((rest & 0x3FFU) << 13);
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    if (rest < 0x400U) {
      x = static_cast<float>(rest) * 0x1.0p-24F;
      x = sign != 0 ? -x : x;
    }
    return x;
  }
  static ONMAL_INLINE Vec all_f16(uint16_t half) { return all(widen_f16(half)); }
  static ONMAL_INLINE uint16_t narrow_bf16(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<uint16_t>((bits >> 16) | 0x40U);
    return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
  }
  static ONMAL_INLINE uint16_t narrow_f16(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = (bits >> 16) & 0x8000U;
    const uint32_t rest = bits & 0x7FFFFFFFU;
    if (rest > 0x7F800000U) return static_cast<uint16_t>(sign | 0x7E00U);
    if (rest >= 0x477FF000U) return static_cast<uint16_t>(sign | 0x7C00U);
    if (rest < 0x38800000U) {
      float shifted;
      __builtin_memcpy(&shifted, &rest, sizeof shifted);
      shifted += 0.5F;
      uint32_t low;
      __builtin_memcpy(&low, &shifted, sizeof low);
      return static_cast<uint16_t>(sign | (low - 0x3F000000U));
    }
    return static_cast<uint16_t>(sign |
                                 ((rest - 0x38000000U + 0xFFFU + ((rest >> 13) & 1U)) >> 13));
  }
  static ONMAL_INLINE Vec load_bf16(const uint16_t* p) {
    return {Floats{widen_bf16(p[0]), widen_bf16(p[1]), widen_bf16(p[2]), widen_bf16(p[3])}};
  }
  static ONMAL_INLINE Vec load_f16(const uint16_t* p) {
    return {Floats{widen_f16(p[0]), widen_f16(p[1]), widen_f16(p[2]), widen_f16(p[3])}};
  }
  static ONMAL_INLINE Vec load_i8(const int8_t* p) {
    return {Floats{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]),
                   static_cast<float>(p[3])}};
  }
  ONMAL_INLINE void store(float* p) const { __builtin_memcpy(p, &v, sizeof v); }
  ONMAL_INLINE void store_bf16(uint16_t* p) const {
    for (int i = 0; i < kWidth; ++i) p[i] = narrow_bf16(v[i]);
  }
  ONMAL_INLINE void store_f16(uint16_t* p) const {
    for (int i = 0; i < kWidth; ++i) p[i] = narrow_f16(v[i]);
  }

  friend ONMAL_INLINE Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
  friend ONMAL_INLINE Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
  friend ONMAL_INLINE Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
  friend ONMAL_INLINE Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
  static ONMAL_INLINE Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
  static ONMAL_INLINE Vec max(Vec a, Vec b) { return {a.v > b.v ? a.v : b.v}; }
  static ONMAL_INLINE Vec min(Vec a, Vec b) { return {a.v < b.v ? a.v : b.v}; }
  static ONMAL_INLINE Vec abs(Vec a) { return {a.v < 0.0F ? -a.v : a.v}; }
  static ONMAL_INLINE Vec sqrt(Vec a) {
    return {Floats{__builtin_sqrtf(a.v[0]), __builtin_sqrtf(a.v[1]), __builtin_sqrtf(a.v[2]),
                   __builtin_sqrtf(a.v[3])}};
  }
  // Adding 1.5 * 2^23 leaves no room for a fraction: the FPU rounds to nearest even (|a| < 2^22).
  static ONMAL_INLINE Vec round(Vec a) {
    const Vec magic = all(12582912.0F);
    return {(a.v + magic.v) - magic.v};
  }
  static ONMAL_INLINE Vec scale_pow2(Vec a, Vec n) {
    const Ints exponent = (__builtin_convertvector(n.v, Ints) + 127) << 23;
    Floats power;
    __builtin_memcpy(&power, &exponent, sizeof power);
    return {a.v * power};
  }
  static ONMAL_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
    return {a.v < b.v ? x.v : y.v};
  }
  ONMAL_INLINE float sum() const { return (v[0] + v[2]) + (v[1] + v[3]); }
  ONMAL_INLINE float largest() const {
    const float even = v[0] > v[2] ? v[0] : v[2];
    const float odd = v[1] > v[3] ? v[1] : v[3];
    return even > odd ? even : odd;
  }
};

#endif

// e^x, relative error below 2 ulp: x = n ln 2 + r, polynomial on |r| <= ln(2)/2 (minimax, degree
// 6). Inputs below -87.3 give 0 (or a denormal), above 88.3 infinity-like large values; NaN stays
// NaN.
ONMAL_INLINE Vec exp(Vec x) {
  const Vec low = Vec::all(-87.3F);
  // Operands in this order let a NaN through.
  const Vec clamped = Vec::min(Vec::all(88.37F), Vec::max(low, x));
  const Vec n = Vec::round(clamped * Vec::all(1.44269504088896341F));
  Vec r = Vec::fma(n, Vec::all(-0.693359375F), clamped);
  r = Vec::fma(n, Vec::all(2.12194440e-4F), r);
  Vec p = Vec::all(1.9875691500e-4F);
  p = Vec::fma(p, r, Vec::all(1.3981999507e-3F));
  p = Vec::fma(p, r, Vec::all(8.3334519073e-3F));
  p = Vec::fma(p, r, Vec::all(4.1665795894e-2F));
  p = Vec::fma(p, r, Vec::all(1.6666665459e-1F));
  p = Vec::fma(p, r, Vec::all(5.0000001201e-1F));
  p = Vec::fma(p, r * r, r + Vec::all(1.0F));
  return Vec::select_less(x, low, Vec::zero(), Vec::scale_pow2(p, n));
}

// 1 / (1 + e^-x)
ONMAL_INLINE Vec sigmoid(Vec x) { return Vec::all(1.0F) / (Vec::all(1.0F) + exp(Vec::zero() - x)); }

// tanh x = 1 - 2 / (e^2x + 1); absolute error below 2e-7.
ONMAL_INLINE Vec tanh(Vec x) {
  return Vec::all(1.0F) - Vec::all(2.0F) / (exp(x + x) + Vec::all(1.0F));
}

}  // namespace onmal::kernels::ONMAL_ISA
