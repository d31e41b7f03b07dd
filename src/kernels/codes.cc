#include "kernels/codes.h"

#include "kernels/select.h"

namespace onmal::kernels {

namespace baseline {
extern const CodeKernels kCodes;
}
#if defined(ONMAL_HAVE_AVX2)
namespace avx2 {
extern const CodeKernels kCodes;
}
#endif
#if defined(ONMAL_HAVE_AVX512)
namespace avx512 {
extern const CodeKernels kCodes;
}
#endif
#if defined(ONMAL_HAVE_NEON)
namespace neon {
extern const CodeKernels kCodes;
}
#endif

const CodeKernels& codes(Isa isa) {
  switch (table(isa).isa) {
#if defined(ONMAL_HAVE_AVX512)
    case Isa::kAvx512:
      return avx512::kCodes;
#endif
#if defined(ONMAL_HAVE_AVX2)
    case Isa::kAvx2:
      return avx2::kCodes;
#endif
#if defined(ONMAL_HAVE_NEON)
    case Isa::kNeon:
      return neon::kCodes;
#endif
    default:
      return baseline::kCodes;
  }
}

}  // namespace onmal::kernels
