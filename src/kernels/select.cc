#include "kernels/select.h"

namespace onmal::kernels {

namespace baseline {
extern const Table kTable;
}
#if defined(ONMAL_HAVE_AVX2)
namespace avx2 {
extern const Int16Kernels kInt16;
extern const Table kTable;
}  // namespace avx2
#endif
#if defined(ONMAL_HAVE_AVX512)
namespace avx512 {
extern const Table kTable;
}
#endif
#if defined(ONMAL_HAVE_AVX512BF16)
namespace avx512bf16 {
extern const GemmKernels kGemmBf16;
}
#endif
#if defined(ONMAL_HAVE_AVX512AHEAD)
namespace avx512ahead {
extern const MatvecKernels kMatvec;
}
#endif
#if defined(ONMAL_HAVE_AVX512VNNI)
namespace avx512vnni {
extern const Int16Kernels kInt16;
extern const Int8Kernels kInt8;
}  // namespace avx512vnni
#endif
#if defined(ONMAL_HAVE_NEON)
namespace neon {
extern const Table kTable;
}
#endif

std::vector<Isa> available_isas() {
  std::vector<Isa> isas = {Isa::kBaseline};
  [[maybe_unused]] const Isa best = detect_isa();
#if defined(ONMAL_HAVE_AVX2)
  if (best >= Isa::kAvx2) isas.push_back(Isa::kAvx2);
#endif
#if defined(ONMAL_HAVE_AVX512)
  if (best >= Isa::kAvx512) isas.push_back(Isa::kAvx512);
#endif
#if defined(ONMAL_HAVE_NEON)
  isas.push_back(Isa::kNeon);
#endif
  return isas;
}

const Table& table(Isa isa) {
  const Isa best = detect_isa();
  if (isa > best) isa = best;
#if defined(ONMAL_HAVE_AVX512)
  if (isa == Isa::kAvx512) return avx512::kTable;
#endif
#if defined(ONMAL_HAVE_AVX2)
  if (isa >= Isa::kAvx2) return avx2::kTable;
#endif
#if defined(ONMAL_HAVE_NEON)
  if (isa == Isa::kNeon) return neon::kTable;
#endif
  return baseline::kTable;
}

const GemmKernels& gemm_bf16(const Table& table) {
#if defined(ONMAL_HAVE_AVX512BF16)
  if (table.isa == Isa::kAvx512 && detect_cpu_features().avx512_bf16) {
    return avx512bf16::kGemmBf16;
  }
#endif
  return *table.gemm_bf16;
}

const MatvecKernels& matvec(const Table& table) {
#if defined(ONMAL_HAVE_AVX512AHEAD)
  // Halves on Zen 5, which has AVX-VNNI, come in faster by a sixth; Zen 4 loses a tenth.
  if (table.isa == Isa::kAvx512 && detect_cpu_features().avx_vnni) return avx512ahead::kMatvec;
#endif
  return *table.matvec;
}

const Int8Kernels& int8(const Table& table) {
#if defined(ONMAL_HAVE_AVX512VNNI)
  if (table.isa == Isa::kAvx512 && detect_cpu_features().avx512_vnni) return avx512vnni::kInt8;
#endif
  return *table.int8;
}

const Int16Kernels* int16([[maybe_unused]] const Table& table) {
#if defined(ONMAL_HAVE_AVX512VNNI)
  if (table.isa == Isa::kAvx512 && detect_cpu_features().avx512_vnni) return &avx512vnni::kInt16;
#endif
#if defined(ONMAL_HAVE_AVX2)
  if (table.isa == Isa::kAvx2) return &avx2::kInt16;
#endif
  return nullptr;
}

}  // namespace onmal::kernels
