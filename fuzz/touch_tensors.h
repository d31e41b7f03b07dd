#pragma once

#include <cstdint>

#include "base/error.h"
#include "formats/tensor_table.h"

namespace onmal {

// Reads every byte of every tensor, so that a sanitizer sees one that is not there.
template <typename File>
void touch_tensors(const File& file) {
  uint64_t sum = 0;
  for (const TensorEntry& entry : file.entries()) {
    try {
      const Tensor tensor = file.tensor(entry.name);
      for (int64_t i = 0; i < tensor.bytes(); ++i) sum += tensor.data_as<const uint8_t>()[i];
    } catch (const Error&) {
    }
  }
  volatile uint64_t keep = sum;
  static_cast<void>(keep);
}

}  // namespace onmal
