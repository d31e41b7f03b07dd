#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "formats/gguf_parts.h"
#include "formats/hf_folder.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

enum class ModelKind : uint8_t { kDecoder, kEncoder, kEncoderDecoder };

// A model file or folder, opened but not understood: exactly one of the two pointers is set.
struct ModelFile {
  std::filesystem::path path;  // the file, or the folder that holds config.json
  std::shared_ptr<GgufParts> gguf;
  std::shared_ptr<HfFolder> folder;

  const Metadata& metadata() const { return gguf != nullptr ? gguf->metadata() : folder->config; }
  // By the file's own name; undefined when there is none (Hugging Face: prefixes of task models are
  // tried too).
  Tensor find(const std::string& name) const;
  std::shared_ptr<void> backing() const;
  // general.architecture or model_type.
  std::string architecture() const;
  // What the architecture is; kDecoder for those nobody here knows.
  ModelKind kind() const;
};

// A GGUF file, a Hugging Face folder, a folder that holds one single .gguf, or a folder of
// sentence-transformers (the Transformer in it is opened). Throws Error when it is none of them.
ModelFile open_model_file(const std::filesystem::path& path);

struct ModelTokenizer {
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the file carries none that we know
  std::string problem;                         // why not, when it carries one
};
ModelTokenizer load_model_tokenizer(const ModelFile& file);
// The tokenizer; for none (null), throws Error(kUnsupported) with `problem` where one is known.
const Tokenizer& require_tokenizer(const Tokenizer* tokenizer, const std::string& problem,
                                   const std::filesystem::path& path, const std::string& hint = "");
// Writes tokenizer.json into `to`; where this tokenizer has none, copies the vocabulary files of
// the folder `from` that it was loaded from.
void save_tokenizer_files(const ModelTokenizer& tokenizer, const std::filesystem::path& from,
                          const std::filesystem::path& to);

}  // namespace onmal
