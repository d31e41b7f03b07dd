#pragma once

#include "models/architecture.h"

namespace onmal {

extern const Architecture kLlamaArchitecture;
// Llama with RMS-normalised queries and keys and a head size of its own.
extern const Architecture kQwen3Architecture;

}  // namespace onmal
