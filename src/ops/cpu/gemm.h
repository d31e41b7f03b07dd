#pragma once

#include "autograd/exec.h"
#include "kernels/gemm.h"

namespace onmal::cpu {

// c[m, n] (row-major, stride c_stride) (+)= a[m, k] · b[k, n] (+ bias[n] unless null), f32 sums,
// cut over exec.pool by shape alone. Operands of any storage format. Scratch from exec.memory:
// about 2 MB. exec.matmul_precision kBf16 rounds both factors to bf16 first.
void gemm(Exec& exec, int64_t m, int64_t n, int64_t k, const kernels::GemmOperand& a,
          const kernels::GemmOperand& b, const float* bias, float* c, int64_t c_stride,
          bool accumulate);

}  // namespace onmal::cpu
