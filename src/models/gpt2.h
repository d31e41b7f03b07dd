#pragma once

#include "models/architecture.h"

namespace onmal {

extern const Architecture kGpt2Architecture;

}  // namespace onmal
