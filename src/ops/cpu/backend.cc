#include "kernels/select.h"
#include "ops/cpu/cpu_ops.h"

namespace onmal {

Backend make_cpu_backend(Isa isa) {
  Backend backend;
  backend.name = "cpu";
  backend.kernels = &kernels::table(isa);
  backend.add = cpu::add;
  backend.scale = cpu::scale;
  return backend;
}

}  // namespace onmal
