#pragma once

#include "base/cpu.h"
#include "kernels/convert.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/matvec.h"

namespace onmal::kernels {

// All vector kernels of one instruction set. A group of kernels is a struct of function pointers in
// a header of its own (kernels/<group>.h), filled by kernels/vector/<group>.cc. Kernels run on one
// thread and raw pointers; floors above cut the work.
struct Table {
  Isa isa = Isa::kBaseline;
  const ConvertKernels* convert = nullptr;
  const ElementwiseKernels* elementwise = nullptr;
  const GemmKernels* gemm = nullptr;
  const MatvecKernels* matvec = nullptr;
};

}  // namespace onmal::kernels
