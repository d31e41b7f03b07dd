#include "models/convertible_model.h"

#include "base/error.h"
#include "models/encoder_weights.h"
#include "models/weight_io.h"

namespace onmal {
namespace {

void refuse_head(const ModelFile& file) {
  for (const char* name : {"score.weight", "classifier.weight", "classifier.out_proj.weight"}) {
    if (!file.find(name).defined()) continue;
    throw Error(ErrorCode::kUnsupported, file.path.string(),
                "has a head that classifies ('" + std::string(name) +
                    "'), which would be lost: only its own format keeps it",
                "convert it to a folder, or use it as it is; 'onmal classify' reads it");
  }
}

}  // namespace

ConvertibleModel::ConvertibleModel(const std::filesystem::path& path) {
  const ModelFile file = open_model_file(path);
  if (file.folder != nullptr) refuse_head(file);
  switch (file.kind()) {
    case ModelKind::kEncoder:
      encoder_ = std::make_unique<EncoderModel>(load_encoder_model(file));
      if (std::filesystem::is_directory(path))
        modules_ = read_sentence_modules(path, *modules_memory_);
      if (!modules_.pooling && encoder_->encoder->config().pooling != Pooling::kNone)
        modules_.pooling = encoder_->encoder->config().pooling;
      break;
    case ModelKind::kEncoderDecoder:
      pair_ = std::make_unique<EncoderDecoderModel>(load_encoder_decoder(path));
      break;
    case ModelKind::kDecoder:
      decoder_ = std::make_unique<LanguageModel>(load_language_model(path));
      break;
  }
}

const std::filesystem::path& ConvertibleModel::path() const {
  if (decoder_ != nullptr) return decoder_->path;
  return encoder_ != nullptr ? encoder_->path : pair_->path;
}

void ConvertibleModel::visit(ParamVisitor visitor) {
  if (decoder_ != nullptr) return decoder_->decoder->visit(visitor);
  return encoder_ != nullptr ? encoder_->encoder->visit(visitor) : pair_->network->visit(visitor);
}

DType ConvertibleModel::gguf_dtype(const Param& param, DType matrices) const {
  return decoder_ != nullptr ? stored_dtype(param, matrices) : encoder_gguf_dtype(param, matrices);
}

std::string ConvertibleModel::tokenizer_problem() const {
  const auto said = [](bool missing, const std::string& why) {
    return !missing ? std::string() : why.empty() ? std::string("it carries none") : why;
  };
  if (decoder_ != nullptr) return said(decoder_->tokenizer == nullptr, decoder_->tokenizer_problem);
  const ModelTokenizer& tokenizer = encoder_ != nullptr ? encoder_->tokenizer : pair_->tokenizer;
  return said(tokenizer.tokenizer == nullptr, tokenizer.problem);
}

std::vector<std::filesystem::path> ConvertibleModel::save_gguf(const std::filesystem::path& file,
                                                               DType matrices,
                                                               uint64_t most_part_bytes) {
  if (decoder_ != nullptr) return onmal::save_gguf(*decoder_, file, matrices, most_part_bytes);
  if (pair_ != nullptr) return save_encoder_decoder_gguf(*pair_, file, matrices, most_part_bytes);
  if (!modules_.dense.empty()) {
    throw Error(ErrorCode::kUnsupported, path().string(),
                "has a Dense map behind its encoder, for which GGUF has no place",
                "keep the folder");
  }
  return save_encoder_gguf(*encoder_, file, matrices, modules_.pooling.value_or(Pooling::kNone),
                           most_part_bytes);
}

void ConvertibleModel::save_hugging_face(const std::filesystem::path& folder, DType matrices,
                                         uint64_t most_part_bytes) {
  if (decoder_ != nullptr)
    return onmal::save_hugging_face(*decoder_, folder, matrices, most_part_bytes);
  if (pair_ != nullptr) return save_encoder_decoder(*pair_, folder, matrices, most_part_bytes);
  if (!modules_.dense.empty()) {
    throw Error(ErrorCode::kUnsupported, path().string(),
                "has a Dense map behind its encoder, which is not written");
  }
  save_encoder_model(*encoder_, folder, matrices, nullptr, most_part_bytes);
  if (modules_.pooling) write_sentence_modules(modules_, encoder_->encoder->config().dim, folder);
}

}  // namespace onmal
