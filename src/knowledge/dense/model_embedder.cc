#include "knowledge/dense/model_embedder.h"

#include <algorithm>
#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <fstream>

#include "base/error.h"
#include "base/hash.h"
#include "models/text_rows.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSample = size_t{1} << 16;  // bytes read at once
constexpr uint64_t kSamples = 64;            // of a large file
constexpr size_t kTextsAtOnce = 64;          // between two looks at the stop request

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
}

uint64_t hash_file(const fs::path& path, uint64_t hash) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kIo, path.string(), "cannot be read");
  const uint64_t size = fs::file_size(path);
  hash = fnv1a(std::to_string(size), hash);
  // All of a small file; of a large one the first and last stretch and those between.
  const uint64_t stretches = std::min<uint64_t>((size + kSample - 1) / kSample, kSamples);
  const uint64_t last = size > kSample ? size - kSample : 0;
  std::string bytes(kSample, '\0');
  for (uint64_t i = 0; i < stretches; ++i) {
    const uint64_t at = stretches < 2 ? 0 : last / (stretches - 1) * i;
    file.seekg(static_cast<std::streamoff>(i + 1 == stretches ? last : at));
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    hash = fnv1a(std::string_view(bytes).substr(0, static_cast<size_t>(file.gcount())), hash);
    file.clear();
  }
  return hash;
}

struct Prefixes {
  std::string query, passage;
};

// "e5" as a word of the name: "multilingual-e5-small".
bool names_e5(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (size_t at = name.find("e5"); at != std::string::npos; at = name.find("e5", at + 1)) {
    const bool begins = at == 0 || !is_word(name[at - 1]);
    const bool ends = at + 2 == name.size() || !is_word(name[at + 2]);
    if (begins && ends) return true;
  }
  return false;
}

Prefixes usual_prefixes(const ModelFile& file) {
  const std::string architecture = file.architecture();
  if (architecture == "nomic-bert" || architecture == "nomic_bert")
    return {"search_query: ", "search_document: "};
  const Metadata& metadata = file.metadata();
  const std::string name =
      metadata.get_string(file.gguf != nullptr ? "general.name" : "_name_or_path", "");
  if (names_e5(name) || names_e5(file.path.filename().string())) return {"query: ", "passage: "};
  return {};
}

}  // namespace

uint64_t model_fingerprint(const fs::path& path) {
  if (!fs::is_directory(path)) return hash_file(path, kFnv1aStart);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  uint64_t hash = kFnv1aStart;
  for (const fs::path& file : files) hash = hash_file(file, hash);
  return hash;
}

ModelEmbedder::ModelEmbedder(const fs::path& path, ThreadPool& pool,
                             const ModelEmbedderOptions& options)
    : pool_(&pool), encoder_(std::make_unique<TextEncoder>(path)) {
  require_tokenizer(encoder_->tokenizer(), encoder_->tokenizer_problem(), path);
  Prefixes prefixes = usual_prefixes(open_model_file(path));
  query_prefix_ = options.query_prefix.value_or(prefixes.query);
  passage_prefix_ = options.passage_prefix.value_or(prefixes.passage);
  Pooling pooling = options.pooling.value_or(encoder_->pooling());
  if (pooling == Pooling::kNone)
    pooling = encoder_->encoder() != nullptr ? Pooling::kMean : Pooling::kLast;
  options_.pooling = pooling;
  options_.truncate = true;
  most_tokens_ = encoder_->max_tokens();
  if (options.most_tokens > 0) most_tokens_ = std::min(most_tokens_, options.most_tokens);
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016" PRIx64, model_fingerprint(path));
  identity_ = std::string(hash)
                  .append("/")
                  .append(pooling_name(pooling))
                  .append("/")
                  .append(std::to_string(encoder_->dimensions()))
                  .append("/")
                  .append(std::to_string(most_tokens_))
                  .append("/")
                  .append(query_prefix_)
                  .append("/")
                  .append(passage_prefix_);
}

std::vector<float> ModelEmbedder::embed(std::span<const std::string> texts, EmbedSide side,
                                        const std::stop_token& stop) {
  const std::lock_guard lock(mutex_);
  const std::string& prefix = side == EmbedSide::kQuery ? query_prefix_ : passage_prefix_;
  const Tokenizer& tokenizer = *encoder_->tokenizer();
  const auto width = static_cast<size_t>(dimensions());
  std::vector<float> result(texts.size() * width, 0.0F);
  for (size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    const size_t end = std::min(begin + kTextsAtOnce, texts.size());
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "embed", "stopped");
    std::vector<std::vector<int32_t>> ids;
    std::vector<size_t> places;
    for (size_t i = begin; i < end; ++i) {
      if (is_blank(texts[i])) continue;
      std::vector<int32_t> text = fit_text(
          tokenizer.encode(prefix + texts[i], {.add_special = true}), most_tokens_, &tokenizer);
      if (text.empty()) continue;
      ids.push_back(std::move(text));
      places.push_back(i);
    }
    const std::vector<TextVector> vectors = encoder_->embed(*pool_, ids, options_, stop);
    for (size_t i = 0; i < vectors.size(); ++i) {
      std::copy(vectors[i].values.begin(), vectors[i].values.end(),
                result.begin() + static_cast<std::ptrdiff_t>(places[i] * width));
    }
  }
  return result;
}

}  // namespace onmal
