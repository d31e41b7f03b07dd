#include "kernels/select.h"
#include "ops/cpu/cpu_ops.h"

namespace onmal {

Backend make_cpu_backend(Isa isa) {
  Backend backend;
  backend.name = "cpu";
  backend.kernels = &kernels::table(isa);
  backend.embedding = cpu::embedding;
  backend.embedding_backward = cpu::embedding_backward;
  backend.linear = cpu::linear;
  backend.linear_backward_input = cpu::linear_backward_input;
  backend.linear_backward_weight = cpu::linear_backward_weight;
  backend.sum_rows = cpu::sum_rows;
  backend.add = cpu::add;
  backend.scale = cpu::scale;
  return backend;
}

}  // namespace onmal
