#include "models/encoder_model.h"

#include "base/error.h"
#include "formats/gguf_parts.h"
#include "models/encoder_weights.h"
#include "models/gguf_header.h"

namespace onmal {

std::unique_ptr<Encoder> load_encoder(const ModelFile& file, Allocator& memory,
                                      std::optional<DType> matrices) {
  const auto find = [&](const std::string& name) { return file.find(name); };
  const bool gguf = file.gguf != nullptr;
  const EncoderFamily& family = gguf ? *find_encoder_family_gguf(file.architecture())
                                     : *find_encoder_family_hugging_face(file.metadata());
  EncoderConfig config;
  config.architecture = gguf ? file.architecture() : std::string(family.gguf_name);
  (gguf ? family.read_gguf : family.read_hugging_face)({file.metadata(), find}, config);
  config.validate(file.path.string());
  auto encoder = std::make_unique<Encoder>(config);
  load_params([&](ParamVisitor visitor) { encoder->visit(visitor); },
              gguf ? family.gguf_rules : family.hugging_face_rules, find, memory, matrices,
              file.path.string());
  encoder->prepare(memory);
  return encoder;
}

EncoderModel load_encoder_model(const ModelFile& file, std::optional<DType> matrices) {
  EncoderModel model;
  model.path = file.path;
  model.backing = file.backing();
  model.encoder = load_encoder(file, *model.memory, matrices);
  model.tokenizer = load_model_tokenizer(file);
  return model;
}

void save_encoder_model(EncoderModel& model, const std::filesystem::path& folder, DType matrices,
                        const TaskHead* head, uint64_t most_part_bytes) {
  const EncoderConfig& config = model.encoder->config();
  const EncoderFamily* family = find_encoder_family_gguf(config.architecture);
  if (family == nullptr || family->write_hugging_face == nullptr) {
    throw Error(ErrorCode::kUnsupported, folder.string(),
                "'" + config.architecture + "' encoders cannot be written as a folder",
                "the families bert and roberta can");
  }
  Metadata hugging_face(folder.string());
  family->write_hugging_face(config, hugging_face);
  HeapAllocator memory;
  std::vector<NamedTensor> weights = store_params(
      [&](ParamVisitor visitor) { model.encoder->visit(visitor); }, family->hugging_face_rules,
      [](std::string_view) { return true; }, memory, matrices, folder.string());
  if (head != nullptr) {
    const std::string base = hugging_face.get_strings("architectures")[0];
    hugging_face.set("architectures", std::vector<std::string>{class_for_task(base, head->task)});
    for (const auto& [key, value] : head->config.items()) hugging_face.set(key, value);
    const std::string prefix = family->hugging_face_prefix(config);
    for (NamedTensor& weight : weights) weight.name = prefix + weight.name;
    weights.insert(weights.end(), head->tensors.begin(), head->tensors.end());
  }
  std::filesystem::create_directories(folder);
  save_tokenizer_files(model.tokenizer, model.path, folder);
  write_hf_folder(folder, hugging_face, Metadata(folder.string()), {}, weights, most_part_bytes);
}

std::vector<std::filesystem::path> save_encoder_gguf(EncoderModel& model,
                                                     const std::filesystem::path& file,
                                                     DType matrices, Pooling pooling,
                                                     uint64_t most_part_bytes) {
  EncoderConfig config = model.encoder->config();
  const EncoderFamily* family = find_encoder_family_gguf(config.architecture);
  if (family == nullptr || family->write_gguf == nullptr) {
    throw Error(ErrorCode::kUnsupported, file.string(),
                "'" + config.architecture + "' encoders have no GGUF files",
                "known: " + known_encoder_families());
  }
  config.pooling = pooling;
  Metadata metadata = gguf_header(file, family->gguf_name, matrices);
  family->write_gguf(config, metadata);
  write_gguf_vocabulary(model.tokenizer.tokenizer.get(), "", {}, config.vocab_size, metadata);
  HeapAllocator memory;
  std::vector<NamedTensor> weights = store_params_as(
      [&](ParamVisitor visitor) { model.encoder->visit(visitor); }, family->gguf_rules,
      [&](const EncoderRule& rule) {
        return family->writes_gguf == nullptr || family->writes_gguf(rule);
      },
      memory, [&](const Param& param) { return encoder_gguf_dtype(param, matrices); },
      file.string());
  for (NamedTensor& weight : weights) {
    // RoBERTa's rows before the first position are left out.
    if (weight.name == "position_embd.weight" && config.position_offset > 0)
      weight.tensor = weight.tensor.slice(config.position_offset, weight.tensor.dim(0));
  }
  return write_gguf_parts(file, metadata, weights, most_part_bytes);
}

}  // namespace onmal
