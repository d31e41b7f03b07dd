#include "ops/embedding.h"

#include <string>

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {
namespace {

void check_ids(const Tensor& ids, int64_t entries) {
  check_dtype("embedding", "ids", ids, DType::kI32);
  for (int64_t i = 0; i < ids.elements(); ++i) {
    const int32_t id = ids.i32()[i];
    if (id < 0 || id >= entries) {
      fail_check("embedding", "ids",
                 "id " + std::to_string(id) + " is outside the table of " +
                     std::to_string(entries) + " entries");
    }
  }
}

Shape append(const Shape& shape, int64_t dim) {
  switch (shape.rank()) {
    case 1:
      return {shape.dim(0), dim};
    case 2:
      return {shape.dim(0), shape.dim(1), dim};
    default:
      return {shape.dim(0), shape.dim(1), shape.dim(2), dim};
  }
}

}  // namespace

Tensor embedding(Exec& exec, const Tensor& table, const Tensor& ids) {
  check(table.shape().rank() == 2, "embedding", "table", "must have two dimensions [entries, dim]");
  check(ids.shape().rank() >= 1 && ids.shape().rank() <= 3, "embedding", "ids",
        "must have one to three dimensions");
  check_ids(ids, table.dim(0));
  const DType dtype = table.dtype() == DType::kF64 ? DType::kF64 : DType::kF32;
  Tensor out = Tensor::empty(*exec.memory, append(ids.shape(), table.dim(1)), dtype);
  exec.backend->embedding(exec, table, ids, out);
  if (exec.tape != nullptr && Tape::tracks(table)) {
    exec.tape->record(out, [table, ids](Exec& inner, const Tensor& dout, GradStore& gradients) {
      const GradStore::Slot slot = gradients.slot(inner, table);
      inner.backend->embedding_backward(inner, dout, ids, slot.tensor, slot.accumulate);
    });
  }
  return out;
}

}  // namespace onmal
