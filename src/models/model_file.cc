#include "models/model_file.h"

#include "base/error.h"
#include "base/file.h"
#include "formats/gguf_tokenizer.h"
#include "models/encoder_decoder_family.h"
#include "models/encoder_weights.h"
#include "models/sentence_modules.h"
#include "tokenizer/marian_tokenizer.h"
#include "tokenizer/tokenizer_file.h"

namespace onmal {

Tensor ModelFile::find(const std::string& name) const {
  if (gguf != nullptr) return gguf->find(name);
  return find_with_prefix([this](const std::string& full) { return folder->weights.find(full); },
                          name);
}

std::shared_ptr<void> ModelFile::backing() const {
  if (gguf != nullptr) return gguf;
  return folder;
}

std::string ModelFile::architecture() const {
  return metadata().get_string(gguf != nullptr ? "general.architecture" : "model_type");
}

ModelKind ModelFile::kind() const {
  if (gguf != nullptr) {
    const std::string name = architecture();
    if (find_encoder_family_gguf(name) != nullptr) return ModelKind::kEncoder;
    if (find_encoder_decoder_family_gguf(name) != nullptr) return ModelKind::kEncoderDecoder;
    return ModelKind::kDecoder;
  }
  if (find_encoder_family_hugging_face(folder->config) != nullptr) return ModelKind::kEncoder;
  if (find_encoder_decoder_family_hugging_face(folder->config) != nullptr)
    return ModelKind::kEncoderDecoder;
  return ModelKind::kDecoder;
}

ModelFile open_model_file(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path))
    throw Error(ErrorCode::kIo, path.string(), "there is no such file or folder", "check the path");
  if (!fs::is_directory(path)) return {path, std::make_shared<GgufParts>(path), nullptr};
  const fs::path transformer = transformer_folder(path);
  if (fs::exists(transformer / "config.json"))
    return {transformer, nullptr, std::make_shared<HfFolder>(open_hf_folder(transformer))};
  const fs::path file = find_gguf(path);
  return {file, std::make_shared<GgufParts>(file), nullptr};
}

const Tokenizer& require_tokenizer(const Tokenizer* tokenizer, const std::string& problem,
                                   const std::filesystem::path& path, const std::string& hint) {
  if (tokenizer != nullptr) return *tokenizer;
  throw Error(ErrorCode::kUnsupported, path.string(),
              problem.empty() ? "the model carries no tokenizer" : problem, hint);
}

ModelTokenizer load_model_tokenizer(const ModelFile& file) {
  ModelTokenizer result;
  // The weights are of use without a tokenizer: whoever needs text says then that there is none,
  // and why.
  try {
    if (file.gguf != nullptr) {
      if (file.metadata().contains("tokenizer.ggml.model"))
        result.tokenizer = read_gguf_tokenizer(file.metadata()).tokenizer;
    } else if (!file.folder->tokenizer_path.empty()) {
      result.tokenizer = load_tokenizer_file(file.folder->tokenizer_path);
    } else if (std::filesystem::exists(file.path / "source.spm")) {
      result.tokenizer = load_marian_tokenizer(file.path);
    } else {
      result.problem = file.path.string() + ": holds no tokenizer.json or tokenizer.model";
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    result.problem = error.what();
  }
  return result;
}

void save_tokenizer_files(const ModelTokenizer& tokenizer, const std::filesystem::path& from,
                          const std::filesystem::path& to) {
  namespace fs = std::filesystem;
  if (tokenizer.tokenizer == nullptr) return;
  const std::string json = tokenizer_json_of(*tokenizer.tokenizer);
  if (!json.empty()) return write_file(to / "tokenizer.json", json);
  for (const char* name : {"source.spm", "target.spm", "vocab.json", "tokenizer.model"}) {
    const fs::path file = from / name;
    if (fs::is_directory(from) && fs::exists(file)) write_file(to / name, read_file(file));
  }
}

}  // namespace onmal
