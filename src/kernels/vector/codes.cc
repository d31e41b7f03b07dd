#include "kernels/codes.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

// Plain loops: compilers widen to 16 bits and multiply in pairs, and know each set's bit count.
void dot(const int8_t* rows, int64_t count, int64_t width, const int16_t* query, int32_t* out) {
  for (int64_t i = 0; i < count; ++i) {
    const int8_t* row = rows + i * width;
    int32_t sum = 0;
    for (int64_t j = 0; j < width; ++j) {
      const int16_t value = row[j];
      sum += static_cast<int32_t>(value) * static_cast<int32_t>(query[j]);
    }
    out[i] = sum;
  }
}

// kWords > 0: known beforehand, so that a row stays in registers.
template <int64_t kWords>
ONMAL_INLINE void weigh(const uint64_t* rows, int64_t count, int64_t words, const uint64_t* planes,
                        const int32_t* weights, int64_t plane_count, int32_t* out) {
  const int64_t width = kWords > 0 ? kWords : words;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t* row = rows + i * width;
    int32_t total = 0;
    for (int64_t p = 0; p < plane_count; ++p) {
      const uint64_t* plane = planes + p * width;
      int32_t bits = 0;
      for (int64_t w = 0; w < width; ++w) bits += __builtin_popcountll(row[w] & plane[w]);
      total += weights[p] * bits;
    }
    out[i] = total;
  }
}

void weigh_bits(const uint64_t* rows, int64_t count, int64_t words, const uint64_t* planes,
                const int32_t* weights, int64_t plane_count, int32_t* out) {
  if (words == 4) return weigh<4>(rows, count, words, planes, weights, plane_count, out);
  if (words == 6) return weigh<6>(rows, count, words, planes, weights, plane_count, out);
  if (words == 12) return weigh<12>(rows, count, words, planes, weights, plane_count, out);
  if (words == 16) return weigh<16>(rows, count, words, planes, weights, plane_count, out);
  weigh<0>(rows, count, words, planes, weights, plane_count, out);
}

}  // namespace

extern const CodeKernels kCodes;
const CodeKernels kCodes = {dot, weigh_bits};

}  // namespace onmal::kernels::ONMAL_ISA
