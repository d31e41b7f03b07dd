#include "models/encoder_decoder_model.h"

#include <algorithm>

#include "base/error.h"
#include "models/encoder_decoder_family.h"

namespace onmal {
namespace {

// generation_config.json says how a model wants to be asked; older files say so in config.json.
void read_generation(const HfFolder& folder, EncoderDecoderConfig& config) {
  const Metadata& generation = folder.generation_config;
  const auto source = [&](const char* key) -> const Metadata& {
    return generation.contains(key) ? generation : folder.config;
  };
  for (const int64_t id : folder.end_token_ids())
    config.end_ids.push_back(token_id(id, folder.config.where()));
  config.beams = source("num_beams").get_int("num_beams", 1);
  config.length_penalty = source("length_penalty").get_float("length_penalty", 1.0);
  config.max_tokens = source("max_length").get_int("max_length", config.max_tokens);
  if (generation.contains("decoder_start_token_id"))
    config.start_id = token_id(generation.get_int("decoder_start_token_id"), generation.where());
}

}  // namespace

EncoderDecoderModel load_encoder_decoder(const std::filesystem::path& path,
                                         std::optional<DType> matrices) {
  const ModelFile file = open_model_file(path);
  if (file.kind() != ModelKind::kEncoderDecoder) {
    throw Error(ErrorCode::kUnsupported, path.string(),
                "'" + file.architecture() + "' is no encoder-decoder", "known ones: t5, marian");
  }
  const auto find = [&](const std::string& name) { return file.find(name); };
  const bool gguf = file.gguf != nullptr;
  const EncoderDecoderFamily& family =
      gguf ? *find_encoder_decoder_family_gguf(file.architecture())
           : *find_encoder_decoder_family_hugging_face(file.metadata());
  EncoderDecoderConfig config;
  config.encoder.architecture = config.decoder.architecture = file.architecture();
  (gguf ? family.read_gguf : family.read_hugging_face)({file.metadata(), find}, config);
  if (!gguf) read_generation(*file.folder, config);
  config.validate(path.string());
  EncoderDecoderModel model;
  model.path = path;
  model.backing = file.backing();
  model.network = std::make_unique<EncoderDecoder>(config);
  load_params([&](ParamVisitor visitor) { model.network->visit(visitor); },
              gguf ? family.gguf_rules : family.hugging_face_rules, find, *model.memory, matrices,
              path.string());
  model.network->prepare(*model.memory);
  model.tokenizer = load_model_tokenizer(file);
  return model;
}

}  // namespace onmal
