#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "models/language_model.h"
#include "models/model_file.h"
#include "models/sentence_modules.h"

namespace onmal {

// A text as one vector.
struct TextVector {
  std::vector<float> values;
  int64_t tokens = 0;   // that went in
  int64_t dropped = 0;  // that did not fit (options.truncate)
};

struct EmbedOptions {
  std::optional<Pooling> pooling;  // instead of what the file says
  bool normalize = true;           // to length 1
  bool truncate = false;           // cut texts that exceed the context, else they are an Error
};

// An encoder, or a decoder used as one, with all that turns a text into a vector. Move-only.
class TextEncoder {
 public:
  // Loads what open_model_file takes. Throws Error naming what is missing, unknown or malformed.
  explicit TextEncoder(const std::filesystem::path& path, std::optional<DType> matrices = {});

  // Null when the file carries none that we know; tokenizer_problem() says why.
  const Tokenizer* tokenizer() const { return tokenizer_.tokenizer.get(); }
  const std::string& tokenizer_problem() const { return tokenizer_.problem; }
  // The encoder; null when the model is a decoder.
  Encoder* encoder() { return encoder_.get(); }
  int64_t max_tokens() const { return max_tokens_; }
  int64_t dimensions() const;
  // What the file says, else mean for encoders and none for decoders.
  Pooling pooling() const { return pooling_; }

  // Hidden states f32 [tokens, dim] of one text.
  Tensor hidden_states(Exec& exec, const std::vector<int32_t>& ids) const;

  // One vector per text, in order. `pool` runs the products; a stop request ends with
  // Error(kCancelled). Throws Error(kResource) for a text longer than max_tokens() and
  // Error(kInvalidArgument) for an empty one or without a pooling.
  std::vector<TextVector> embed(ThreadPool& pool, std::span<const std::vector<int32_t>> texts,
                                const EmbedOptions& options = {},
                                const std::stop_token& stop = {}) const;

 private:
  std::vector<int32_t> fit(const std::vector<int32_t>& ids, bool truncate, size_t index) const;
  std::vector<float> finish(const Tensor& hidden, int64_t begin, int64_t end, Pooling pooling,
                            bool normalize) const;

  // What weights live in outlives them: declared before the models.
  std::unique_ptr<HeapAllocator> memory_ = std::make_unique<HeapAllocator>();
  std::shared_ptr<void> backing_;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<LanguageModel> decoder_;  // when the model is no encoder
  ModelTokenizer tokenizer_;
  std::vector<DenseModule> dense_;
  Pooling pooling_ = Pooling::kNone;
  int64_t max_tokens_ = 0;
  std::string where_;
};

}  // namespace onmal
