#pragma once

#include "ops/backend.h"

// The processor's implementations of Backend's functions; contracts stand there.
namespace onmal::cpu {

void embedding(Exec& exec, const Tensor& table, const Tensor& ids, const Tensor& out);
void embedding_backward(Exec& exec, const Tensor& dout, const Tensor& ids, const Tensor& dtable,
                        bool accumulate);
void linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out);
void linear_backward_input(Exec& exec, const Tensor& dout, const Tensor& w, const Tensor& dx,
                           bool accumulate);
void linear_backward_weight(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& dw,
                            bool accumulate);
void sum_rows(Exec& exec, const Tensor& dout, const Tensor& db, bool accumulate);
void add(Exec& exec, const Tensor& a, const Tensor& b, const Tensor& out);
void scale(Exec& exec, const Tensor& x, float factor, const Tensor& out);

}  // namespace onmal::cpu
