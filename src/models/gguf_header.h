#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "formats/metadata.h"
#include "numeric/dtype.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// What every GGUF file says of itself: architecture, name (that of `file`) and number format.
Metadata gguf_header(const std::filesystem::path& file, std::string_view architecture,
                     DType matrices);

// The tokenizer's keys; for none (null), that there is none. A model with more rows than the
// tokenizer has tokens gets unused ones for the rest: llama.cpp counts rows by tokens.
void write_gguf_vocabulary(const Tokenizer* tokenizer, const std::string& chat_template,
                           std::span<const int32_t> end_ids, int64_t vocab_size,
                           Metadata& metadata);

}  // namespace onmal
