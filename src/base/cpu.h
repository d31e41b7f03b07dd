#pragma once

#include <cstdint>
#include <string_view>

namespace onmal {

// Instruction sets the kernels are compiled for, weakest first.
enum class Isa : uint8_t { kBaseline, kAvx2, kAvx512, kNeon };

std::string_view isa_name(Isa isa);

// The strongest instruction set this processor and operating system offer.
// kAvx2 stands for AVX2+FMA+F16C; kAvx512 for F, BW, DQ, VL on top of it.
Isa detect_isa();

// Finer features some kernels use on top of an Isa.
struct CpuFeatures {
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool avx_vnni = false;
};
CpuFeatures detect_cpu_features();

}  // namespace onmal
