#pragma once

#include <vector>

#include "kernels/table.h"

namespace onmal::kernels {

// The table of `isa`, or of the strongest one below it that was compiled and that this processor
// runs.
const Table& table(Isa isa);
// Every instruction set that was compiled and that this processor runs, weakest first: tests go
// through them all.
std::vector<Isa> available_isas();

}  // namespace onmal::kernels
