#include "models/language_model.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "formats/gguf_parts.h"
#include "formats/gguf_tokenizer.h"
#include "formats/hf_folder.h"
#include "models/architecture.h"
#include "models/gguf_config.h"
#include "models/gguf_header.h"
#include "models/hugging_face_config.h"
#include "models/weight_io.h"
#include "tokenizer/tokenizer_file.h"

namespace onmal {
namespace {

std::filesystem::path find_model_file(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path) || std::filesystem::exists(path / "config.json"))
    return path;
  return find_gguf(path);
}

LanguageModel load_gguf(const std::filesystem::path& path, const LoadOptions& options) {
  const auto file = std::make_shared<GgufParts>(path);
  const Metadata& metadata = file->metadata();
  const auto find = [&](const std::string& name) { return file->find(name); };
  const DecoderConfig config = read_gguf_config(metadata, find);
  const Architecture& architecture = find_architecture(config.architecture, path.string());
  LanguageModel model;
  model.path = file->path();
  model.backing = file;
  model.decoder = std::make_unique<Decoder>(config);
  load_weights(*model.decoder, {architecture.gguf_names()}, find, *model.memory, options.matrices,
               path.string());
  model.decoder->prepare(*model.memory);
  if (metadata.contains("tokenizer.ggml.model")) {
    try {
      GgufTokenizer parts = read_gguf_tokenizer(metadata);
      model.tokenizer = std::move(parts.tokenizer);
      model.chat_template = std::move(parts.chat_template);
      model.end_ids = std::move(parts.end_ids);
    } catch (const Error& error) {
      // The weights are of use without it: whoever needs text says then that there is no tokenizer,
      // and why.
      if (error.code() != ErrorCode::kUnsupported) throw;
      model.tokenizer_problem = error.what();
    }
  }
  return model;
}

LanguageModel load_hugging_face(const std::filesystem::path& path, const LoadOptions& options) {
  const auto folder = std::make_shared<HfFolder>(open_hf_folder(path));
  folder->refuse_quantized();
  const DecoderConfig config = read_hugging_face_config(language_part(folder->config));
  const Architecture& architecture = find_architecture(config.architecture, path.string());
  LanguageModel model;
  model.path = path;
  model.backing = folder;
  model.decoder = std::make_unique<Decoder>(config);
  const auto find = [&](const std::string& name) {
    // Base models leave out the head's prefix: "h.0…" for "transformer.h.0…", "layers.0…" for
    // "model.layers.0…". Models that also see put one in front.
    const std::string bare = name.substr(name.find('.') + 1);
    for (const std::string& candidate :
         {name, bare, "language_model." + name, "model.language_model." + bare}) {
      if (const Tensor tensor = folder->weights.find(candidate); tensor.defined()) return tensor;
    }
    return Tensor();
  };
  load_weights(*model.decoder, {architecture.hugging_face_names(), architecture.norm_offset}, find,
               *model.memory, options.matrices, path.string());
  model.decoder->prepare(*model.memory);
  if (!folder->tokenizer_path.empty()) {
    model.tokenizer = load_tokenizer_file(folder->tokenizer_path);
  } else if (std::filesystem::exists(path / "tiktoken.model")) {
    model.tokenizer_problem = path.string() +
                              ": its tiktoken.model says nothing of how text is cut, and there is "
                              "no tokenizer.json; make one, or use a GGUF file of this model";
  } else {
    model.tokenizer_problem = path.string() + ": holds no tokenizer.json or tokenizer.model";
  }
  model.chat_template = folder->tokenizer_config.chat_template;
  model.bos_token = folder->tokenizer_config.bos_token;
  model.eos_token = folder->tokenizer_config.eos_token;
  for (const int64_t id : folder->end_token_ids())
    model.end_ids.push_back(static_cast<int32_t>(id));
  return model;
}

// Texts of the tokens that begin and end, where the files do not say them otherwise.
void name_special_tokens(LanguageModel& model) {
  if (model.tokenizer == nullptr) return;
  const auto text = [&](int32_t id) {
    return id < 0 ? std::string() : std::string(model.tokenizer->piece(id));
  };
  if (model.bos_token.empty()) model.bos_token = text(model.tokenizer->begin_id());
  if (model.eos_token.empty()) model.eos_token = text(model.tokenizer->end_id());
  if (model.eos_token.empty() && !model.end_ids.empty()) model.eos_token = text(model.end_ids[0]);
}

void add_head(const TaskHead& head, const Architecture& architecture, Metadata& config,
              std::vector<NamedTensor>& weights) {
  config.set("architectures", std::vector<std::string>{class_for_task(
                                  std::string(architecture.hugging_face_class), head.task)});
  for (const auto& [key, value] : head.config.items()) config.set(key, value);
  weights.insert(weights.end(), head.tensors.begin(), head.tensors.end());
}

}  // namespace

LanguageModel share_weights(const LanguageModel& model) {
  LanguageModel twin;
  twin.memory = model.memory;
  twin.backing = model.backing;
  twin.decoder = std::make_unique<Decoder>(*model.decoder);
  twin.packing = model.packing;
  twin.tokenizer = model.tokenizer;
  twin.tokenizer_problem = model.tokenizer_problem;
  twin.chat_template = model.chat_template;
  twin.bos_token = model.bos_token;
  twin.eos_token = model.eos_token;
  twin.end_ids = model.end_ids;
  twin.path = model.path;
  return twin;
}

LanguageModel load_language_model(const std::filesystem::path& path, const LoadOptions& options) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kIo, path.string(), "there is no such file or folder", "check the path");
  }
  const std::filesystem::path file = find_model_file(path);
  LanguageModel model = std::filesystem::is_directory(file) ? load_hugging_face(file, options)
                                                            : load_gguf(file, options);
  name_special_tokens(model);
  return model;
}

void save_hugging_face(LanguageModel& model, const std::filesystem::path& folder, DType matrices,
                       uint64_t most_part_bytes, const TaskHead* head) {
  const DecoderConfig& config = model.decoder->config();
  const Architecture& architecture = find_architecture(config.architecture, folder.string());
  if (is_quantized(matrices)) {
    throw Error(ErrorCode::kUnsupported, folder.string(),
                "safetensors has no " + std::string(dtype_info(matrices).name),
                "write a .gguf file, or f16 or bf16");
  }
  Metadata hugging_face(folder.string());
  hugging_face.set("torch_dtype", std::string(matrices == DType::kF32   ? "float32"
                                              : matrices == DType::kF16 ? "float16"
                                                                        : "bfloat16"));
  write_hugging_face_config(config, hugging_face);
  Metadata generation(folder.string());
  if (!model.end_ids.empty()) {
    const std::vector<int64_t> ends(model.end_ids.begin(), model.end_ids.end());
    hugging_face.set("eos_token_id", ends);
    generation.set("eos_token_id", ends);
  }
  HfTokenizerConfig tokenizer_config;
  tokenizer_config.chat_template = model.chat_template;
  tokenizer_config.bos_token = model.bos_token;
  tokenizer_config.eos_token = model.eos_token;
  HeapAllocator memory;
  std::vector<NamedTensor> weights =
      store_weights(*model.decoder, {architecture.hugging_face_names(), architecture.norm_offset},
                    memory, matrices, RopeStyle::kHalves);
  if (head != nullptr) add_head(*head, architecture, hugging_face, weights);
  std::filesystem::create_directories(folder);
  const std::string json = model.tokenizer == nullptr ? "" : tokenizer_json_of(*model.tokenizer);
  if (!json.empty()) write_file(folder / "tokenizer.json", json);
  write_hf_folder(folder, hugging_face, generation, tokenizer_config, weights, most_part_bytes);
}

std::vector<std::filesystem::path> save_gguf(LanguageModel& model,
                                             const std::filesystem::path& file, DType matrices,
                                             uint64_t most_part_bytes) {
  const DecoderConfig& config = model.decoder->config();
  const Architecture& architecture = find_architecture(config.architecture, file.string());
  Metadata metadata = gguf_header(file, architecture.gguf_name, matrices);
  write_gguf_config(config, metadata);
  write_gguf_vocabulary(model.tokenizer.get(), model.chat_template, model.end_ids,
                        config.vocab_size, metadata);
  HeapAllocator memory;
  std::vector<NamedTensor> weights = store_weights(*model.decoder, {architecture.gguf_names()},
                                                   memory, matrices, architecture.gguf_rope_style);
  if (architecture.gguf_needs_head && config.tied_head) {
    weights.push_back({"output.weight", weights.front().tensor});  // the embedding comes first
  }
  for (NamedTensor& tensor : gguf_config_tensors(config, memory))
    weights.push_back(std::move(tensor));
  return write_gguf_parts(file, metadata, weights, most_part_bytes);
}

}  // namespace onmal
