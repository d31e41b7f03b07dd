#include "kernels/quantize/encode.h"

#include "base/error.h"
#include "kernels/quantize/block_input.h"

namespace onmal::kernels {
namespace {

template <auto kEncode, typename Block>
void encode_all(const float* x, const float* importance, Block* out, int64_t count,
                int64_t block_size) {
  for (int64_t i = 0; i < count; i += block_size) {
    kEncode(x + i, importance == nullptr ? nullptr : importance + i, out[i / block_size]);
  }
}

}  // namespace

void encode_blocks(DType dtype, const float* x, const float* importance, void* out, int64_t count) {
  using namespace quantize;
  const int64_t size = dtype_info(dtype).block_size;
  ONMAL_ASSERT(size > 1 && count % size == 0);
  switch (dtype) {
    case DType::kQ8_0:
      return encode_all<encode_q8_0>(x, importance, static_cast<BlockQ8_0*>(out), count, size);
    case DType::kQ4_0:
      return encode_all<encode_q4_0>(x, importance, static_cast<BlockQ4_0*>(out), count, size);
    case DType::kQ4_1:
      return encode_all<encode_q4_1>(x, importance, static_cast<BlockQ4_1*>(out), count, size);
    case DType::kQ5_0:
      return encode_all<encode_q5_0>(x, importance, static_cast<BlockQ5_0*>(out), count, size);
    case DType::kQ5_1:
      return encode_all<encode_q5_1>(x, importance, static_cast<BlockQ5_1*>(out), count, size);
    case DType::kIQ4_NL:
      return encode_all<encode_iq4_nl>(x, importance, static_cast<BlockIQ4_NL*>(out), count, size);
    case DType::kQ2_K:
      return encode_all<encode_q2_k>(x, importance, static_cast<BlockQ2_K*>(out), count, size);
    case DType::kQ3_K:
      return encode_all<encode_q3_k>(x, importance, static_cast<BlockQ3_K*>(out), count, size);
    case DType::kQ4_K:
      return encode_all<encode_q4_k>(x, importance, static_cast<BlockQ4_K*>(out), count, size);
    case DType::kQ5_K:
      return encode_all<encode_q5_k>(x, importance, static_cast<BlockQ5_K*>(out), count, size);
    case DType::kQ6_K:
      return encode_all<encode_q6_k>(x, importance, static_cast<BlockQ6_K*>(out), count, size);
    case DType::kIQ4_XS:
      return encode_all<encode_iq4_xs>(x, importance, static_cast<BlockIQ4_XS*>(out), count, size);
    default:
      ONMAL_ASSERT(false);
  }
}

}  // namespace onmal::kernels
