#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/pipeline_tokenizer.h"

namespace onmal {

// What a Hugging Face folder says about its tokenizer.model beyond that file.
struct FolderTokens {
  std::vector<AddedToken> added;   // after the model was trained; ids may lie behind its last one
  std::optional<bool> begin, end;  // whether texts are put between these tokens
};

// Reads tokenizer_config.json (added_tokens_decoder, add_bos_token, add_eos_token; what they are
// without being said by tokenizer_class) and added_tokens.json, where they are. Throws
// Error(kBadFile) where they are malformed.
FolderTokens read_folder_tokens(const std::filesystem::path& folder);

// Puts them into a tokenizer's definition; ids between its pieces and the added ones stand for
// nothing.
void add_folder_tokens(const FolderTokens& tokens, PipelineDefinition& definition);

}  // namespace onmal
