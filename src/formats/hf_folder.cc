#include "formats/hf_folder.h"

#include <system_error>

#include "base/file.h"
#include "formats/json_metadata.h"

namespace onmal {
namespace {

constexpr const char* kConfigName = "config.json";
constexpr const char* kGenerationConfigName = "generation_config.json";
constexpr const char* kTokenizerName = "tokenizer.json";
constexpr const char* kSentencePieceName = "tokenizer.model";
constexpr const char* kTokenizerConfigName = "tokenizer_config.json";
constexpr const char* kChatTemplateName = "chat_template.jinja";
constexpr const char* kWeightsName = "model.safetensors";
constexpr uint64_t kMostTemplateBytes = uint64_t{1} << 20;

// A special token: "<s>" or {"content": "<s>", …}.
std::string token_text(const Metadata& metadata, const std::string& key) {
  return metadata.get_string(metadata.contains(key) ? key : key + ".content", "");
}

std::optional<bool> optional_bool(const Metadata& metadata, std::string_view key) {
  if (!metadata.contains(key)) return std::nullopt;
  return metadata.get_bool(key);
}

// "chat_template" is one template, a list of {"name": …, "template": …} with one "default", or an
// object of templates by their names.
std::string chat_template_of(const Metadata& metadata) {
  if (metadata.contains("chat_template")) {
    const std::span<const std::string> texts = metadata.get_strings("chat_template");
    return texts.empty() ? "" : texts.front();
  }
  if (metadata.contains("chat_template.default")) {
    return metadata.get_string("chat_template.default");
  }
  for (size_t i = 0;; ++i) {
    const std::string element = "chat_template[" + std::to_string(i) + "].";
    if (!metadata.contains(element + "template")) return "";
    if (metadata.get_string(element + "name", "default") == "default") {
      return metadata.get_string(element + "template");
    }
  }
}

Metadata read_if_there(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? read_json_metadata(path) : Metadata(path.string());
}

}  // namespace

void HfFolder::refuse_quantized() const {
  const std::string key = "quantization_config.quant_method";
  if (!config.contains(key)) return;
  throw Error(ErrorCode::kUnsupported, config.where(),
              "the weights are quantised with '" + config.get_string(key) + "'",
              "use the original weights, or a GGUF file");
}

std::vector<int64_t> HfFolder::end_token_ids() const {
  for (const Metadata* metadata : {&generation_config, &config}) {
    if (!metadata->contains("eos_token_id")) continue;
    const std::span<const int64_t> ids = metadata->get_ints("eos_token_id");
    return {ids.begin(), ids.end()};
  }
  return {};
}

HfTokenizerConfig read_hf_tokenizer_config(const std::filesystem::path& folder) {
  const Metadata metadata = read_if_there(folder / kTokenizerConfigName);
  HfTokenizerConfig result;
  result.bos_token = token_text(metadata, "bos_token");
  result.eos_token = token_text(metadata, "eos_token");
  result.pad_token = token_text(metadata, "pad_token");
  result.add_bos_token = optional_bool(metadata, "add_bos_token");
  result.add_eos_token = optional_bool(metadata, "add_eos_token");
  const std::filesystem::path separate = folder / kChatTemplateName;
  result.chat_template = std::filesystem::exists(separate) ? read_file(separate, kMostTemplateBytes)
                                                           : chat_template_of(metadata);
  return result;
}

HfFolder open_hf_folder(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorCode::kIo, folder.string(), "is not a folder", "check the path");
  }
  HfFolder result;
  result.path = folder;
  result.config = read_json_metadata(folder / kConfigName);
  result.generation_config = read_if_there(folder / kGenerationConfigName);
  result.tokenizer_config = read_hf_tokenizer_config(folder);
  if (std::filesystem::exists(folder / kTokenizerName)) {
    result.tokenizer_path = folder / kTokenizerName;
  } else if (std::filesystem::exists(folder / kSentencePieceName)) {
    result.tokenizer_path = folder / kSentencePieceName;
  }
  result.weights = SafetensorsWeights(folder);
  return result;
}

void write_hf_folder(const std::filesystem::path& folder, const Metadata& config,
                     const Metadata& generation_config, const HfTokenizerConfig& tokenizer_config,
                     std::span<const NamedTensor> weights, uint64_t most_shard_bytes) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::kIo, folder.string(), "cannot create the folder: " + error.message());
  }
  Metadata tokenizer((folder / kTokenizerConfigName).string());
  const auto set_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) tokenizer.set(key, text);
  };
  const auto set_flag = [&](const char* key, std::optional<bool> flag) {
    if (flag) tokenizer.set(key, *flag);
  };
  tokenizer.set("tokenizer_class", "PreTrainedTokenizerFast");
  set_text("bos_token", tokenizer_config.bos_token);
  set_text("eos_token", tokenizer_config.eos_token);
  set_text("pad_token", tokenizer_config.pad_token);
  set_flag("add_bos_token", tokenizer_config.add_bos_token);
  set_flag("add_eos_token", tokenizer_config.add_eos_token);
  set_text("chat_template", tokenizer_config.chat_template);
  tokenizer.set("clean_up_tokenization_spaces", false);

  write_file(folder / kTokenizerConfigName, write_json_metadata(tokenizer));
  if (!generation_config.empty()) {
    write_file(folder / kGenerationConfigName, write_json_metadata(generation_config));
  }
  write_file(folder / kConfigName, write_json_metadata(config));
  Metadata weights_metadata((folder / kWeightsName).string());
  weights_metadata.set("format", "pt");  // Hugging Face's loader asks for it
  write_safetensors_folder(folder, weights, weights_metadata, most_shard_bytes);
}

}  // namespace onmal
