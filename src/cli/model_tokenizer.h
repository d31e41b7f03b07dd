#pragma once

#include <filesystem>
#include <memory>

#include "tokenizer/tokenizer.h"

namespace onmal {

// The tokenizer of a tokenizer.json, of a folder that holds one, or of a GGUF model, without
// loading any weights.
std::shared_ptr<const Tokenizer> load_any_tokenizer(const std::filesystem::path& path);

}  // namespace onmal
