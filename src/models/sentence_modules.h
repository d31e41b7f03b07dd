#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/encoder_config.h"
#include "tensor/tensor.h"

namespace onmal {

// A linear map behind the pooling: y = f(W x + b).
struct DenseModule {
  Tensor weight;  // f32 [out, in]
  Tensor bias;    // f32 [out], or undefined
  bool tanh = false;
};

// What a folder of sentence-transformers says beyond its Transformer (modules.json and the folders
// it names).
struct SentenceModules {
  std::optional<Pooling> pooling;
  std::vector<DenseModule> dense;
  std::optional<int64_t> max_tokens;
};

// The folder of the Transformer: `folder` itself, or the one that its modules.json names.
std::filesystem::path transformer_folder(const std::filesystem::path& folder);

// Empty for a folder without modules.json. Throws Error(kUnsupported) for a module that is not
// known, Error(kBadFile) for a malformed one.
SentenceModules read_sentence_modules(const std::filesystem::path& folder, Allocator& memory);
// modules.json and what it names but the Transformer's own files: pooling (mean unless said
// otherwise), length, unit length; no Dense maps.
void write_sentence_modules(const SentenceModules& modules, int64_t dim,
                            const std::filesystem::path& folder);

}  // namespace onmal
