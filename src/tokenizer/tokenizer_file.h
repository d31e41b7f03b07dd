#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tokenizer/tokenizer.h"

namespace onmal {

// A tokenizer.json or, by its ending, SentencePiece's tokenizer.model.
std::unique_ptr<Tokenizer> load_tokenizer_file(const std::filesystem::path& path);

// The text of a tokenizer.json with the same ids; "" where this kind of tokenizer, not read from
// such a file, has none.
std::string tokenizer_json_of(const Tokenizer& tokenizer);

}  // namespace onmal
