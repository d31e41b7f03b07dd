#pragma once

#include "base/cpu.h"
#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/convert.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/int16.h"
#include "kernels/int8.h"
#include "kernels/matvec.h"
#include "kernels/norm.h"
#include "kernels/optimizer.h"
#include "kernels/rope.h"
#include "kernels/rows.h"
#include "kernels/softmax.h"

namespace onmal::kernels {

// All vector kernels of one instruction set. A group of kernels is a struct of function pointers in
// a header of its own (kernels/<group>.h), filled by kernels/vector/<group>.cc. Kernels run on one
// thread and raw pointers; floors above cut the work.
struct Table {
  Isa isa = Isa::kBaseline;
  const ActivationKernels* activation = nullptr;
  const AttentionKernels* attention = nullptr;
  const ConvertKernels* convert = nullptr;
  const ElementwiseKernels* elementwise = nullptr;
  const GemmKernels* gemm = nullptr;
  const GemmKernels* gemm_bf16 = nullptr;  // rounds to bf16; see kernels::gemm_bf16
  const Int8Kernels* int8 = nullptr;       // see kernels::int8
  const MatvecKernels* matvec = nullptr;
  const NormKernels* norm = nullptr;
  const OptimizerKernels* optimizer = nullptr;
  const RopeKernels* rope = nullptr;
  const RowKernels* rows = nullptr;
  const SoftmaxKernels* softmax = nullptr;
};

}  // namespace onmal::kernels
