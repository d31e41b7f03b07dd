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

// Products of factors rounded to bf16, added up in f32: by the processor's own instructions where
// it has them, else by `table`'s f32 kernels.
const GemmKernels& gemm_bf16(const Table& table);

// Few rows against weights that stream in: with lines asked for ahead where that makes it faster.
const MatvecKernels& matvec(const Table& table);

// Integer products, by the processor's own dot-product instructions where it has them.
const Int8Kernels& int8(const Table& table);
// Null where the processor would gain nothing over f32.
const Int16Kernels* int16(const Table& table);

}  // namespace onmal::kernels
