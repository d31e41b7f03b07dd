#pragma once

#include <string>

#include "corpus/prepare/prepare.h"

namespace onmal {

// What makes a run this one: its sources with their sizes and times, and all options that its
// output depends on. Folders do not, nor do threads and memory.
std::string run_identity(const PrepareOptions& options);

}  // namespace onmal
