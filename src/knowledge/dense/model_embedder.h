#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "knowledge/embedder.h"
#include "models/text_encoder.h"

namespace onmal {

struct ModelEmbedderOptions {
  // Instead of what the model's name asks for: "query: " and "passage: " for E5, "search_query: "
  // and "search_document: " for Nomic, else none.
  std::optional<std::string> query_prefix, passage_prefix;
  // Instead of what the file says; where that is nothing, encoders take the mean and decoders the
  // last token.
  std::optional<Pooling> pooling;
  int64_t most_tokens = 0;  // of a text, the prefix counted; 0: as many as the model reads
};

// Vectors by an encoder, or a decoder used as one. Calls from several threads wait for each other.
class ModelEmbedder : public Embedder {
 public:
  // `pool` outlives it. Throws Error as TextEncoder does, and Error(kUnsupported) for a model
  // without a tokenizer.
  ModelEmbedder(const std::filesystem::path& path, ThreadPool& pool,
                const ModelEmbedderOptions& options = {});

  const std::string& identity() const override { return identity_; }
  int64_t dimensions() const override { return encoder_->dimensions(); }
  std::vector<float> embed(std::span<const std::string> texts, EmbedSide side,
                           const std::stop_token& stop = {}) override;
  // For sizing passages. Shares the model's life.
  const Tokenizer& tokenizer() const { return *encoder_->tokenizer(); }
  int64_t most_tokens() const { return most_tokens_; }

 private:
  ThreadPool* pool_;
  std::unique_ptr<TextEncoder> encoder_;
  EmbedOptions options_;
  std::string query_prefix_, passage_prefix_, identity_;
  int64_t most_tokens_ = 0;
  std::mutex mutex_;
};

// A hash of a model's file, or of the files of its folder: of their sizes, and of their bytes, of
// large ones samples throughout. Names and places do not matter.
uint64_t model_fingerprint(const std::filesystem::path& path);

}  // namespace onmal
