#include "kernels/table.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {

// Addresses only: they are constants, so no file's initialisation has to wait for another's.
extern const ActivationKernels kActivation;
extern const AttentionKernels kAttention;
extern const ConvertKernels kConvert;
extern const ElementwiseKernels kElementwise;
extern const GemmKernels kGemm;
extern const GemmKernels kGemmBf16;
extern const Int8Kernels kInt8;
extern const MatvecKernels kMatvec;
extern const NormKernels kNorm;
extern const OptimizerKernels kOptimizer;
extern const RopeKernels kRope;
extern const RowKernels kRows;
extern const SoftmaxKernels kSoftmax;

#if defined(ONMAL_ISA_AVX512)
constexpr Isa kIsa = Isa::kAvx512;
#elif defined(ONMAL_ISA_AVX2)
constexpr Isa kIsa = Isa::kAvx2;
#elif defined(ONMAL_ISA_NEON)
constexpr Isa kIsa = Isa::kNeon;
#else
constexpr Isa kIsa = Isa::kBaseline;
#endif

extern const Table kTable;
const Table kTable = {kIsa,        &kActivation, &kAttention, &kConvert, &kElementwise,
                      &kGemm,      &kGemmBf16,   &kInt8,      &kMatvec,  &kNorm,
                      &kOptimizer, &kRope,       &kRows,      &kSoftmax};

}  // namespace onmal::kernels::ONMAL_ISA
