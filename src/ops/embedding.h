#pragma once

#include "ops/backend.h"

namespace onmal {

// Rows of table [V, D] picked by ids (any shape [..]): out [.., D]. Gradient: rows of dout added up
// by id. Throws Error(kInvalidArgument) naming an id outside [0, V).
Tensor embedding(Exec& exec, const Tensor& table, const Tensor& ids);

}  // namespace onmal
