#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace onmal {

#if defined(__x86_64__)
namespace {

// Half-precision conversion: bit 29 of CPUID 1's ECX. clang 14 has no name for it in
// __builtin_cpu_supports.
bool has_f16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1U << 29)) != 0;
}

// Bit 4 of EAX of CPUID 7, subleaf 1; clang 14 has no name for it either.
bool has_avx_vnni() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1U << 4)) != 0;
}

// Asking the processor leaves a virtual machine for its host: tens of microseconds each time.
Isa ask_processor() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512) return Isa::kAvx512;
  if (avx2) return Isa::kAvx2;
  return Isa::kBaseline;
}

}  // namespace
#endif

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kNeon:
      return "neon";
    case Isa::kBaseline:
      break;
  }
  return "baseline";
}

Isa detect_isa() {
#if defined(__x86_64__)
  static const Isa isa = ask_processor();
  return isa;
#elif defined(__aarch64__)
  return Isa::kNeon;
#else
  return Isa::kBaseline;
#endif
}

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  features.avx512_vnni = __builtin_cpu_supports("avx512vnni");
  features.avx512_bf16 = __builtin_cpu_supports("avx512bf16");
  static const bool avx_vnni = has_avx_vnni();
  features.avx_vnni = avx_vnni;
#endif
  return features;
}

}  // namespace onmal
