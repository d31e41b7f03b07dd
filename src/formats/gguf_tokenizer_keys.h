#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/metadata.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/token_kind.h"

namespace onmal::gguf_tokenizer {

inline constexpr const char* kModel = "tokenizer.ggml.model";
inline constexpr const char* kPre = "tokenizer.ggml.pre";
inline constexpr const char* kTokens = "tokenizer.ggml.tokens";
inline constexpr const char* kScores = "tokenizer.ggml.scores";
inline constexpr const char* kTypes = "tokenizer.ggml.token_type";
inline constexpr const char* kMerges = "tokenizer.ggml.merges";
inline constexpr const char* kBegin = "tokenizer.ggml.bos_token_id";
inline constexpr const char* kEnd = "tokenizer.ggml.eos_token_id";
inline constexpr const char* kTurnEnd = "tokenizer.ggml.eot_token_id";
inline constexpr const char* kMessageEnd = "tokenizer.ggml.eom_token_id";
inline constexpr const char* kUnknown = "tokenizer.ggml.unknown_token_id";
inline constexpr const char* kSeparator = "tokenizer.ggml.seperator_token_id";  // spelled so
inline constexpr const char* kPad = "tokenizer.ggml.padding_token_id";
inline constexpr const char* kMask = "tokenizer.ggml.mask_token_id";
inline constexpr const char* kClass = "tokenizer.ggml.cls_token_id";
inline constexpr const char* kAddBegin = "tokenizer.ggml.add_bos_token";
inline constexpr const char* kAddEnd = "tokenizer.ggml.add_eos_token";
inline constexpr const char* kAddSeparator = "tokenizer.ggml.add_sep_token";
inline constexpr const char* kAddSpacePrefix = "tokenizer.ggml.add_space_prefix";
inline constexpr const char* kRemoveExtraSpaces = "tokenizer.ggml.remove_extra_whitespaces";
inline constexpr const char* kEscapeSpaces = "tokenizer.ggml.escape_whitespaces";
inline constexpr const char* kCharsmap = "tokenizer.ggml.precompiled_charsmap";
inline constexpr const char* kLowercase = "tokenizer.ggml.normalizer.lowercase";
inline constexpr const char* kStripAccents = "tokenizer.ggml.normalizer.strip_accents";
inline constexpr const char* kHuggingFaceJson = "tokenizer.huggingface.json";
inline constexpr const char* kChatTemplate = "tokenizer.chat_template";

// tokenizer.ggml.tokens, empty ones renamed as llama.cpp does.
std::vector<std::string> read_texts(const Metadata& metadata);
// tokenizer.ggml.token_type, with llama.cpp's corrections by text: what ends a turn is a control
// token, whatever the file says.
std::vector<TokenKind> read_kinds(const Metadata& metadata, std::span<const std::string> texts);
// The tokens that are looked for as text: control and unknown ones when asked for, user-defined
// ones always; with llama.cpp's white space rules by model name.
std::vector<AddedToken> find_added_tokens(const Metadata& metadata,
                                          std::span<const std::string> texts,
                                          std::span<const TokenKind> kinds);
// The id under `key`; `fallback` when there is none (some writers put 2^32 - 1), and where that is
// outside the vocabulary, -1.
int32_t read_id(const Metadata& metadata, const char* key, int32_t fallback, size_t vocab_size);
// Tokens that end an answer: by key, and by text as in llama.cpp.
std::vector<int32_t> find_end_ids(const Metadata& metadata, std::span<const std::string> texts,
                                  int32_t end_id);

}  // namespace onmal::gguf_tokenizer
