#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tokenizer/bpe_tokenizer.h"

namespace onmal {

// A byte-level BPE tokenizer.json of Hugging Face. Throws Error(kBadFile) where it is malformed,
// Error(kUnsupported) where it is of another kind or asks for something unknown, naming it.
std::unique_ptr<BpeTokenizer> parse_tokenizer_json(std::string_view json, const std::string& where);
std::unique_ptr<BpeTokenizer> load_tokenizer_json(const std::filesystem::path& path);

// Any tokenizer.json.
std::unique_ptr<Tokenizer> parse_any_tokenizer_json(std::string_view json,
                                                    const std::string& where);
std::unique_ptr<Tokenizer> load_any_tokenizer_json(const std::filesystem::path& path);

// The text of a tokenizer.json that Hugging Face's tokenizers load with the same ids.
std::string write_tokenizer_json(const BpeDefinition& definition);

}  // namespace onmal
