#pragma once

#include <cstdint>

namespace onmal::testing {

// Calls of operator new so far, by every thread of this test program.
int64_t allocations();

}  // namespace onmal::testing
