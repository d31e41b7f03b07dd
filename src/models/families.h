#pragma once

#include "models/architecture.h"

namespace onmal {

// Each is defined in the file named after it (or after its first member).
extern const Architecture kLlamaArchitecture;
extern const Architecture kMistralArchitecture;
extern const Architecture kMixtralArchitecture;
extern const Architecture kQwen2Architecture;
extern const Architecture kQwen3Architecture;
extern const Architecture kQwen2MoeArchitecture;
extern const Architecture kQwen3MoeArchitecture;
extern const Architecture kGemmaArchitecture;
extern const Architecture kGemma2Architecture;
extern const Architecture kGemma3Architecture;
extern const Architecture kPhi3Architecture;
extern const Architecture kExaoneArchitecture;
extern const Architecture kExaone4Architecture;
extern const Architecture kOlmo2Architecture;
extern const Architecture kOlmo3Architecture;
extern const Architecture kGraniteArchitecture;
extern const Architecture kStarcoder2Architecture;
extern const Architecture kStablelmArchitecture;
extern const Architecture kGpt2Architecture;
extern const Architecture kGptNeoxArchitecture;
extern const Architecture kFalconArchitecture;

}  // namespace onmal
