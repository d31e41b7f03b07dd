#include "formats/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/byte_level.h"

namespace onmal {
namespace {

constexpr const char* kModelKey = "tokenizer.ggml.model";
constexpr const char* kPreKey = "tokenizer.ggml.pre";
constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr const char* kTypesKey = "tokenizer.ggml.token_type";
constexpr const char* kMergesKey = "tokenizer.ggml.merges";
constexpr const char* kBeginKey = "tokenizer.ggml.bos_token_id";
constexpr const char* kEndKey = "tokenizer.ggml.eos_token_id";
constexpr const char* kTurnEndKey = "tokenizer.ggml.eot_token_id";
constexpr const char* kMessageEndKey = "tokenizer.ggml.eom_token_id";
constexpr const char* kPadKey = "tokenizer.ggml.padding_token_id";
constexpr const char* kAddBeginKey = "tokenizer.ggml.add_bos_token";
constexpr const char* kChatTemplateKey = "tokenizer.chat_template";
constexpr const char* kByteLevelModel = "gpt2";

// Values of token_type.
constexpr int64_t kNormalToken = 1;
constexpr int64_t kControlToken = 3;
constexpr int64_t kUserDefinedToken = 4;
constexpr int64_t kUnusedToken = 5;

// Other names under which llama.cpp knows the patterns we have.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kPreAliases = {{
    {"llama3", "llama-bpe"},
    {"llama-v3", "llama-bpe"},
    {"falcon3", "llama-bpe"},
    {"deepseek-r1-qwen", "qwen2"},
    {"phi-2", "gpt-2"},
    {"olmo", "gpt-2"},
    {"mpt", "gpt-2"},
}};

// Control tokens that end an answer whatever the metadata say, as in llama.cpp.
constexpr std::array<std::string_view, 7> kEndTexts = {
    "<|im_end|>", "<|eot_id|>",      "<|eom_id|>",    "<|endoftext|>",
    "<|end|>",    "<|end_of_text|>", "<end_of_turn>",
};

std::string pretokenizer_name(const Metadata& metadata) {
  std::string name = metadata.get_string(kPreKey, "default");
  for (const auto& [alias, ours] : kPreAliases) {
    if (name == alias) name = ours;
  }
  std::string known;
  for (const std::string& candidate : Pretokenizer::names()) {
    if (candidate == name) return name;
    known += (known.empty() ? "" : ", ") + candidate;
  }
  throw Error(ErrorCode::kUnsupported, metadata.where(),
              "unknown pre-tokenizer '" + name + "' (" + kPreKey + ")", "known ones: " + known);
}

// The id under `key`; -1 when there is none (some writers put 2^32 - 1).
int32_t special_id(const Metadata& metadata, const char* key, size_t vocab_size) {
  const int64_t id = metadata.get_int(key, -1);
  if (id == -1 || id == 0xFFFFFFFF) return -1;
  if (id < 0 || static_cast<uint64_t>(id) >= vocab_size) {
    throw Error(ErrorCode::kBadFile, metadata.where(),
                "the key '" + std::string(key) + "' holds " + std::to_string(id) +
                    ", outside the vocabulary of " + std::to_string(vocab_size));
  }
  return static_cast<int32_t>(id);
}

void read_pieces(const Metadata& metadata, const ByteLevelAlphabet& alphabet,
                 BpeDefinition& definition) {
  const std::span<const std::string> tokens = metadata.get_strings(kTokensKey);
  std::span<const int64_t> types;
  if (metadata.contains(kTypesKey)) types = metadata.get_ints(kTypesKey);
  if (!types.empty() && types.size() != tokens.size()) {
    throw Error(ErrorCode::kBadFile, metadata.where(),
                "has " + std::to_string(tokens.size()) + " tokens but " +
                    std::to_string(types.size()) + " token types");
  }
  definition.pieces.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    const int64_t type = types.empty() ? kNormalToken : types[id];
    const bool special = type == kControlToken || type == kUserDefinedToken;
    std::string bytes;
    const bool literal = special || type == kUnusedToken || !alphabet.read(tokens[id], bytes);
    definition.pieces.push_back(literal ? tokens[id] : std::move(bytes));
    if (special) definition.special_ids.push_back(static_cast<int32_t>(id));
  }
}

void read_merges(const Metadata& metadata, const ByteLevelAlphabet& alphabet,
                 BpeDefinition& definition) {
  std::unordered_map<std::string_view, int32_t> ids;
  ids.reserve(definition.pieces.size());
  for (size_t id = 0; id < definition.pieces.size(); ++id) {
    ids.emplace(definition.pieces[id], static_cast<int32_t>(id));
  }
  const auto id_of = [&](std::string_view text) {
    std::string bytes;
    const auto found = alphabet.read(text, bytes) ? ids.find(bytes) : ids.end();
    if (found != ids.end()) return found->second;
    throw Error(
        ErrorCode::kBadFile, metadata.where(),
        "a merge names '" + std::string(text.substr(0, 100)) + "', which is not in the vocabulary");
  };
  for (const std::string& merge : metadata.get_strings(kMergesKey)) {
    const size_t space = merge.find(' ', 1);
    if (space == std::string::npos) {
      throw Error(ErrorCode::kBadFile, metadata.where(),
                  "the merge '" + merge.substr(0, 100) + "' is not a pair");
    }
    const std::string_view text = merge;
    const int32_t left = id_of(text.substr(0, space));
    definition.merges.emplace_back(left, id_of(text.substr(space + 1)));
  }
}

std::vector<int32_t> find_end_ids(const Metadata& metadata, const BpeDefinition& definition) {
  std::vector<int32_t> ids;
  const auto add = [&](int32_t id) {
    if (id >= 0 && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  for (const char* key : {kEndKey, kTurnEndKey, kMessageEndKey}) {
    add(special_id(metadata, key, definition.pieces.size()));
  }
  for (const int32_t id : definition.special_ids) {
    const std::string& piece = definition.pieces[static_cast<size_t>(id)];
    if (std::find(kEndTexts.begin(), kEndTexts.end(), piece) != kEndTexts.end()) add(id);
  }
  return ids;
}

}  // namespace

GgufTokenizer read_gguf_tokenizer(const Metadata& metadata) {
  GgufTokenizer result;
  result.chat_template = metadata.get_string(kChatTemplateKey, "");
  const std::string model = metadata.get_string(kModelKey, "no_vocab");
  if (model == "no_vocab" || model == "none") return result;
  if (model != kByteLevelModel) {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "its tokenizer is of the kind '" + model + "'", "byte-level BPE ('gpt2') is known");
  }
  const ByteLevelAlphabet alphabet;
  BpeDefinition definition;
  definition.pretokenizer = pretokenizer_name(metadata);
  read_pieces(metadata, alphabet, definition);
  read_merges(metadata, alphabet, definition);
  const size_t vocab_size = definition.pieces.size();
  definition.begin_id = special_id(metadata, kBeginKey, vocab_size);
  definition.end_id = special_id(metadata, kEndKey, vocab_size);
  definition.pad_id = special_id(metadata, kPadKey, vocab_size);
  // llama.cpp's default for this family of patterns.
  definition.add_begin = metadata.get_bool(kAddBeginKey, definition.pretokenizer == "llama-bpe");
  result.end_ids = find_end_ids(metadata, definition);
  try {
    result.tokenizer = std::make_shared<BpeTokenizer>(std::move(definition));
  } catch (const Error& error) {
    throw Error(error.code(), metadata.where(), error.what());
  }
  return result;
}

void write_gguf_tokenizer(const Tokenizer& tokenizer, const std::string& chat_template,
                          std::span<const int32_t> end_ids, Metadata& metadata) {
  const auto* bpe = dynamic_cast<const BpeTokenizer*>(&tokenizer);
  if (bpe == nullptr) {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "only byte-level BPE tokenizers can be written to GGUF");
  }
  const BpeDefinition& definition = bpe->definition();
  const ByteLevelAlphabet alphabet;
  const size_t count = definition.pieces.size();
  std::vector<int64_t> types(count, kNormalToken);
  for (const int32_t id : definition.special_ids) types[static_cast<size_t>(id)] = kControlToken;
  std::vector<std::string> tokens(count);
  for (size_t id = 0; id < count; ++id) {
    const std::string& piece = definition.pieces[id];
    tokens[id] = types[id] == kNormalToken ? alphabet.write(piece) : piece;
  }
  std::vector<std::string> merges;
  merges.reserve(definition.merges.size());
  for (const auto& [left, right] : definition.merges) {
    merges.push_back(tokens[static_cast<size_t>(left)] + " " + tokens[static_cast<size_t>(right)]);
  }
  metadata.set(kModelKey, kByteLevelModel);
  metadata.set(kPreKey, definition.pretokenizer);
  metadata.set(kTokensKey, std::move(tokens));
  metadata.set(kTypesKey, std::move(types));
  metadata.set(kMergesKey, std::move(merges));
  const auto set_id = [&](const char* key, int32_t id) {
    if (id >= 0) metadata.set(key, int64_t{id});
  };
  set_id(kBeginKey, definition.begin_id);
  set_id(kEndKey, definition.end_id);
  set_id(kPadKey, definition.pad_id);
  const auto turn_end = std::find_if(end_ids.begin(), end_ids.end(),
                                     [&](int32_t id) { return id != definition.end_id; });
  if (turn_end != end_ids.end()) set_id(kTurnEndKey, *turn_end);
  metadata.set(kAddBeginKey, definition.add_begin);
  if (!chat_template.empty()) metadata.set(kChatTemplateKey, chat_template);
}

}  // namespace onmal
