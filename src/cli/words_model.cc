#include "cli/words_model.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "models/model_file.h"
#include "models/weight_io.h"
#include "tensor/allocators.h"
#include "words/word_file.h"

namespace onmal {
namespace {

// What files call the token table.
constexpr std::array kTableNames = {"token_embd.weight",
                                    "model.embed_tokens.weight",
                                    "embed_tokens.weight",
                                    "model.language_model.embed_tokens.weight",
                                    "language_model.model.embed_tokens.weight",
                                    "transformer.wte.weight",
                                    "wte.weight",
                                    "gpt_neox.embed_in.weight",
                                    "transformer.word_embeddings.weight",
                                    "word_embeddings.weight",
                                    "embeddings.word_embeddings.weight",
                                    "bert.embeddings.word_embeddings.weight",
                                    "roberta.embeddings.word_embeddings.weight",
                                    "shared.weight",
                                    "model.shared.weight"};

bool is_model(const std::string& path) {
  if (std::filesystem::is_directory(path)) return true;
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::memcmp(magic, "GGUF", sizeof magic) == 0;
}

Tensor find_table(const ModelFile& file) {
  for (const char* name : kTableNames) {
    Tensor table = file.find(name);
    if (table.defined()) return table;
  }
  throw Error(ErrorCode::kUnsupported, file.path.string(), "no table of token embeddings found");
}

WordVectors read_embeddings(const std::string& path) {
  const ModelFile file = open_model_file(path);
  const ModelTokenizer tokenizer = load_model_tokenizer(file);
  require_tokenizer(tokenizer.tokenizer.get(), tokenizer.problem, path);
  HeapAllocator memory;
  const Tensor table = convert_tensor(find_table(file), DType::kF32, memory);
  const int64_t dim = table.dim(1);
  const int64_t rows = std::min(table.dim(0), tokenizer.tokenizer->vocab_size());
  std::vector<std::string> words;
  std::vector<float> values;
  for (int64_t id = 0; id < rows; ++id) {
    std::string_view piece = tokenizer.tokenizer->piece(static_cast<int32_t>(id));
    if (piece.starts_with(' ') && piece.size() > 1) piece.remove_prefix(1);
    if (piece.empty()) continue;
    words.emplace_back(piece);
    values.insert(values.end(), table.f32() + id * dim, table.f32() + (id + 1) * dim);
  }
  return WordVectors(dim, std::move(words), std::move(values));
}

}  // namespace

WordVectors load_words(const std::string& path) {
  return is_model(path) ? read_embeddings(path) : read_word_vectors(path);
}

}  // namespace onmal
