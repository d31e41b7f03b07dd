#include "models/encoder_model.h"

#include "base/error.h"
#include "models/encoder_weights.h"

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
                        const TaskHead* head) {
  const EncoderConfig& config = model.encoder->config();
  const EncoderFamily* family = find_encoder_family_gguf(config.architecture);
  if (family == nullptr || family->write_hugging_face == nullptr) {
    throw Error(ErrorCode::kUnsupported, folder.string(),
                "'" + config.architecture + "' encoders cannot be written yet",
                "train one of the families bert or roberta");
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
  write_hf_folder(folder, hugging_face, Metadata(folder.string()), {}, weights);
}

}  // namespace onmal
