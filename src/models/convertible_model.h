#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/encoder_decoder_model.h"
#include "models/encoder_model.h"
#include "models/language_model.h"
#include "models/sentence_modules.h"

namespace onmal {

// A model of any kind as something to be written in another file format: a decoder, an encoder or
// an encoder–decoder.
class ConvertibleModel {
 public:
  // Throws Error as loading does, and Error(kUnsupported) for a model with a head that classifies,
  // which no other format here keeps.
  explicit ConvertibleModel(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  // Null for encoders and encoder–decoders.
  LanguageModel* decoder() { return decoder_.get(); }
  void visit(ParamVisitor visitor);
  // What a matrix is stored as in a GGUF file whose matrices are `matrices`.
  DType gguf_dtype(const Param& param, DType matrices) const;
  // Why the model has no tokenizer; "" when it has one.
  std::string tokenizer_problem() const;

  // In parts of at most `most_part_bytes` (0: in one file); returns the files. Throws
  // Error(kUnsupported), naming what it is, when GGUF cannot say all of the model.
  std::vector<std::filesystem::path> save_gguf(const std::filesystem::path& file, DType matrices,
                                               uint64_t most_part_bytes);
  void save_hugging_face(const std::filesystem::path& folder, DType matrices,
                         uint64_t most_part_bytes);

 private:
  std::unique_ptr<LanguageModel> decoder_;
  std::unique_ptr<EncoderModel> encoder_;
  std::unique_ptr<EncoderDecoderModel> pair_;
  std::unique_ptr<HeapAllocator> modules_memory_ = std::make_unique<HeapAllocator>();
  SentenceModules modules_;  // of a folder of sentence-transformers; goes before its memory
};

}  // namespace onmal
