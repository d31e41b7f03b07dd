#pragma once

#include <string>
#include <vector>

#include "models/language_model.h"

namespace onmal {

// Names that random_model knows, smallest first.
std::vector<std::string> random_model_shapes();

// A Llama-style decoder of a well-known size with random matrices in `matrices`: for measuring
// speed, where only shapes matter. No tokenizer. Throws Error(kInvalidArgument) for another name.
LanguageModel random_model(const std::string& shape, DType matrices);

}  // namespace onmal
