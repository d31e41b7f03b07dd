#include "models/gguf_header.h"

#include <utility>
#include <vector>

#include "formats/gguf_tokenizer.h"
#include "formats/gguf_tokenizer_keys.h"
#include "tokenizer/token_kind.h"

namespace onmal {
namespace {

constexpr double kUnusedScore = -10000.0;

// llama.cpp's numbers for "mostly" one format. Mixtures have numbers of their own (quantize/).
int64_t file_type_of(DType matrices) {
  constexpr std::pair<DType, int64_t> kNumbers[] = {
      {DType::kF32, 0},   {DType::kF16, 1},     {DType::kBF16, 32},   {DType::kQ8_0, 7},
      {DType::kQ4_0, 2},  {DType::kQ4_1, 3},    {DType::kQ5_0, 8},    {DType::kQ5_1, 9},
      {DType::kQ2_K, 10}, {DType::kQ3_K, 11},   {DType::kQ4_K, 14},   {DType::kQ5_K, 16},
      {DType::kQ6_K, 18}, {DType::kIQ4_NL, 25}, {DType::kIQ4_XS, 30},
  };
  for (const auto& [dtype, number] : kNumbers) {
    if (dtype == matrices) return number;
  }
  return 0;
}

void pad_vocabulary(size_t vocab_size, Metadata& metadata) {
  const auto texts = metadata.get_strings(gguf_tokenizer::kTokens);
  std::vector<std::string> padded(texts.begin(), texts.end());
  const auto numbers = metadata.get_ints(gguf_tokenizer::kTypes);
  std::vector<int64_t> kinds(numbers.begin(), numbers.end());
  if (padded.size() >= vocab_size || kinds.size() != padded.size()) return;
  for (size_t id = padded.size(); id < vocab_size; ++id)
    padded.push_back("[PAD" + std::to_string(id) + "]");
  kinds.resize(vocab_size, static_cast<int64_t>(TokenKind::kUnused));
  metadata.set(gguf_tokenizer::kTokens, std::move(padded));
  metadata.set(gguf_tokenizer::kTypes, std::move(kinds));
  if (!metadata.contains(gguf_tokenizer::kScores)) return;
  std::vector<double> scores = metadata.get_floats(gguf_tokenizer::kScores);
  scores.resize(vocab_size, kUnusedScore);
  metadata.set(gguf_tokenizer::kScores, std::move(scores));
}

}  // namespace

Metadata gguf_header(const std::filesystem::path& file, std::string_view architecture,
                     DType matrices) {
  Metadata metadata(file.string());
  metadata.set("general.architecture", std::string(architecture));
  metadata.set("general.name", file.stem().string());
  metadata.set("general.file_type", file_type_of(matrices));
  metadata.set("general.quantization_version", int64_t{2});
  return metadata;
}

void write_gguf_vocabulary(const Tokenizer* tokenizer, const std::string& chat_template,
                           std::span<const int32_t> end_ids, int64_t vocab_size,
                           Metadata& metadata) {
  if (tokenizer == nullptr) {
    metadata.set(gguf_tokenizer::kModel, std::string("no_vocab"));  // llama.cpp asks for the key
    metadata.set(metadata.get_string("general.architecture") + ".vocab_size", vocab_size);
    return;
  }
  write_gguf_tokenizer(*tokenizer, chat_template, end_ids, metadata);
  pad_vocabulary(static_cast<size_t>(vocab_size), metadata);
}

}  // namespace onmal
