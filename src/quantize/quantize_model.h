#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "quantize/importance.h"
#include "quantize/recipe.h"

namespace onmal {

struct QuantizeOptions {
  const QuantizeRecipe* recipe = nullptr;
  bool pure = false;  // the recipe's main format for every matrix, no exceptions
  const ImportanceMatrix* importance = nullptr;
  std::string importance_name;  // noted in the file
};

// What became of one tensor.
struct QuantizedTensor {
  std::string name;
  int64_t elements = 0;
  DType from = DType::kF32;
  DType to = DType::kF32;
  DType wanted = DType::kF32;  // by the recipe; differs from `to` where rows do not fit its blocks
  bool weighted = false;       // by the importance matrix
  double relative_error = 0;   // root mean square of the error over that of the values
  double largest_error = 0;
};

// Quantises a GGUF file into another one, tensor by tensor: memory holds one stored tensor, and the
// output appears only when whole. Vectors, positions and routers stay as they are; matrices that
// have their format already are copied. `progress` gets each tensor when it is done and how many
// there are. Results do not depend on the number of threads.
//
// Throws Error(kNumeric) for values that are not finite or too large for the format, kBadFile for
// an importance matrix of another model, kUnsupported for a tensor that cannot be read, kCancelled
// when stopped.
std::vector<QuantizedTensor> quantize_gguf(
    const std::filesystem::path& input, const std::filesystem::path& output,
    const QuantizeOptions& options, ThreadPool& pool,
    FunctionRef<void(const QuantizedTensor&, size_t tensors)> progress,
    const std::stop_token& stop = {});

}  // namespace onmal
