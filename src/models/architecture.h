#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "formats/metadata.h"
#include "models/decoder_config.h"

namespace onmal {

// Which rows of a stored matrix are ours, when a file keeps query, key and value in one.
enum class FusedPart : uint8_t { kWhole, kQuery, kKey, kValue };

// How one of our weights is found in a file and written back. "{}" stands for the layer number.
struct WeightRule {
  std::string_view ours;
  std::string_view theirs;
  FusedPart part = FusedPart::kWhole;
  bool transposed = false;  // stored [in, out] (the Conv1D of Hugging Face's GPT-2)
};

// A family of models as files know it: names and configuration keys, both ways. The forward pass
// knows nothing of it. A new family is one file with one such constant and one line in the
// registry.
struct Architecture {
  std::string_view name;                // general.architecture in GGUF, model_type in config.json
  std::string_view hugging_face_class;  // "architectures" in config.json
  std::span<const WeightRule> gguf_rules;
  std::span<const WeightRule> hugging_face_rules;
  RopeStyle gguf_rope_style =
      RopeStyle::kHalves;  // row order of query and key weights in GGUF files
  void (*read_gguf)(const Metadata& metadata, DecoderConfig& config) = nullptr;
  void (*write_gguf)(const DecoderConfig& config, Metadata& metadata) = nullptr;
  void (*read_hugging_face)(const Metadata& metadata, DecoderConfig& config) = nullptr;
  void (*write_hugging_face)(const DecoderConfig& config, Metadata& metadata) = nullptr;
};

// Throws Error(kUnsupported) that names the architecture, where it was found, and those known.
const Architecture& find_architecture(std::string_view name, const std::string& where);

}  // namespace onmal
