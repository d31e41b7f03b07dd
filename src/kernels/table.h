#pragma once

#include "base/cpu.h"
#include "kernels/elementwise.h"

namespace onmal::kernels {

// All vector kernels of one instruction set. A group of kernels is a struct of function pointers in
// a header of its own (kernels/<group>.h), filled by kernels/vector/<group>.cc. Kernels run on one
// thread and raw pointers; floors above cut the work.
struct Table {
  Isa isa = Isa::kBaseline;
  const ElementwiseKernels* elementwise = nullptr;
};

}  // namespace onmal::kernels
