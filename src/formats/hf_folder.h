#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/metadata.h"
#include "formats/safetensors.h"

namespace onmal {

// What tokenizer_config.json (and chat_template.jinja) say beyond tokenizer.json.
struct HfTokenizerConfig {
  std::string chat_template;  // Jinja source; "" when there is none
  std::string bos_token;      // "" when there is none
  std::string eos_token;
  std::string pad_token;
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;
};

// A model folder as Hugging Face's libraries write it.
struct HfFolder {
  std::filesystem::path path;
  Metadata config;                       // config.json
  Metadata generation_config;            // generation_config.json; empty when there is none
  std::filesystem::path tokenizer_path;  // tokenizer.json or tokenizer.model; empty without
  HfTokenizerConfig tokenizer_config;
  SafetensorsWeights weights;

  // Tokens that end an answer: "eos_token_id" of generation_config.json, else of config.json.
  std::vector<int64_t> end_token_ids() const;
  // Throws Error(kUnsupported), naming the method, when the weights are packed by a quantiser
  // (gptq, awq, fp8 …) rather than plain numbers.
  void refuse_quantized() const;
};

// Throws Error naming the file that is missing or malformed; config.json and weights are needed.
HfFolder open_hf_folder(const std::filesystem::path& folder);

// The parts that need no weights, for tools that look at a folder's tokenizer alone.
HfTokenizerConfig read_hf_tokenizer_config(const std::filesystem::path& folder);

// Writes config.json, generation_config.json (when not empty), tokenizer_config.json and
// model.safetensors (or its shards and their index), creating the folder; the weights come last, so
// that a folder with weights is whole. tokenizer.json is the tokenizer's own to write.
void write_hf_folder(const std::filesystem::path& folder, const Metadata& config,
                     const Metadata& generation_config, const HfTokenizerConfig& tokenizer_config,
                     std::span<const NamedTensor> weights, uint64_t most_shard_bytes = 0);

}  // namespace onmal
