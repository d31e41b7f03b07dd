#pragma once

#include "ops/backend.h"

// The processor's implementations of Backend's functions; contracts stand there.
namespace onmal::cpu {

void add(Exec& exec, const Tensor& a, const Tensor& b, const Tensor& out);
void scale(Exec& exec, const Tensor& x, float factor, const Tensor& out);

}  // namespace onmal::cpu
