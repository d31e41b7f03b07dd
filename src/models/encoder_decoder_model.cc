#include "models/encoder_decoder_model.h"

#include <algorithm>

#include "base/error.h"
#include "formats/gguf_parts.h"
#include "models/encoder_decoder_family.h"
#include "models/gguf_header.h"

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

void save_encoder_decoder(EncoderDecoderModel& model, const std::filesystem::path& folder,
                          DType matrices, uint64_t most_part_bytes) {
  const EncoderDecoderConfig& config = model.network->config();
  const EncoderDecoderFamily* family =
      find_encoder_decoder_family(config.encoder.architecture, folder.string());
  if (family->write_hugging_face == nullptr) {
    throw Error(ErrorCode::kUnsupported, folder.string(),
                "'" + config.encoder.architecture + "' models cannot be written");
  }
  Metadata hugging_face(folder.string());
  family->write_hugging_face(config, hugging_face);
  Metadata generation(folder.string());
  hugging_face.set("decoder_start_token_id", int64_t{config.start_id});
  if (!hugging_face.contains("pad_token_id"))
    hugging_face.set("pad_token_id", int64_t{config.start_id});
  generation.set("decoder_start_token_id", int64_t{config.start_id});
  const std::vector<int64_t> ends(config.end_ids.begin(), config.end_ids.end());
  if (ends.size() == 1) {
    hugging_face.set("eos_token_id", ends[0]);
    generation.set("eos_token_id", ends[0]);
  } else if (!ends.empty()) {
    hugging_face.set("eos_token_id", ends);
    generation.set("eos_token_id", ends);
  }
  generation.set("num_beams", config.beams);
  generation.set("length_penalty", config.length_penalty);
  generation.set("max_length", config.max_tokens);
  for (size_t i = 0; i < config.forbidden_ids.size(); ++i) {
    std::string key = "bad_words_ids[";
    key.append(std::to_string(i)).append("]");
    hugging_face.set(key, std::vector<int64_t>{config.forbidden_ids[i]});
  }
  HeapAllocator memory;
  const std::vector<NamedTensor> weights = store_params(
      [&](ParamVisitor visitor) { model.network->visit(visitor); }, family->hugging_face_rules,
      [&](std::string_view theirs) {
        return family->writes == nullptr || family->writes(config, theirs);
      },
      memory, matrices, folder.string());
  std::filesystem::create_directories(folder);
  save_tokenizer_files(model.tokenizer, model.path, folder);
  write_hf_folder(folder, hugging_face, generation, {}, weights, most_part_bytes);
}

std::vector<std::filesystem::path> save_encoder_decoder_gguf(EncoderDecoderModel& model,
                                                             const std::filesystem::path& file,
                                                             DType matrices,
                                                             uint64_t most_part_bytes) {
  const EncoderDecoderConfig& config = model.network->config();
  const std::string& architecture = config.encoder.architecture;
  const EncoderDecoderFamily* family = find_encoder_decoder_family(architecture, file.string());
  if (family->write_gguf == nullptr) {
    throw Error(ErrorCode::kUnsupported, file.string(),
                "there are no GGUF files of '" + architecture + "' models",
                "convert into a folder; those of T5 can be written");
  }
  Metadata metadata = gguf_header(file, family->gguf_name, matrices);
  family->write_gguf(config, metadata);
  write_gguf_vocabulary(model.tokenizer.tokenizer.get(), "", config.end_ids,
                        config.encoder.vocab_size, metadata);
  if (!config.end_ids.empty())
    metadata.set("tokenizer.ggml.eos_token_id", int64_t{config.end_ids.front()});
  HeapAllocator memory;
  const std::vector<NamedTensor> weights = store_params_as(
      [&](ParamVisitor visitor) { model.network->visit(visitor); }, family->gguf_rules,
      [](const EncoderRule&) { return true; }, memory,
      [&](const Param& param) { return encoder_gguf_dtype(param, matrices); }, file.string());
  return write_gguf_parts(file, metadata, weights, most_part_bytes);
}

}  // namespace onmal
