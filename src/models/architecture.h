#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "formats/metadata.h"
#include "models/decoder_config.h"

namespace onmal {

// Which rows of a stored matrix are ours, when a file keeps query, key and value, or gate and up,
// in one.
enum class FusedPart : uint8_t { kWhole, kQuery, kKey, kValue, kGate, kUp };

// How one of our weights is found in a file and written back. "{}" stands for the layer number;
// "{#}" for the index along our outermost dimension, when a file keeps one tensor for each.
struct WeightRule {
  std::string_view ours;
  std::string_view theirs;
  FusedPart part = FusedPart::kWhole;
  bool transposed = false;  // stored [in, out] (the Conv1D of Hugging Face's GPT-2)
  bool grouped = false;     // query, key and value rows come together for each key/value head
  bool (*when)(const DecoderConfig& config) = nullptr;  // null: always
};

// Looks up a stored tensor by its name in the file; an undefined Tensor when the file has none.
using FindTensor = FunctionRef<Tensor(const std::string& name)>;

// A family's names, before those that most families share.
struct WeightNames {
  std::span<const WeightRule> own;
  std::span<const WeightRule> common;

  // The rules for our name that hold for this model. The first is the one that is written; files
  // may follow any of them.
  std::vector<const WeightRule*> find(std::string_view ours, const DecoderConfig& config) const;
};

// Names of a family's keys in config.json, and what its reference takes where a key is missing.
struct HuggingFaceKeys {
  std::string_view dim = "hidden_size";
  std::string_view layers = "num_hidden_layers";
  std::string_view heads = "num_attention_heads";
  std::string_view kv_heads = "num_key_value_heads";  // "": as many as heads
  std::string_view ffn_dim = "intermediate_size";
  std::string_view max_positions = "max_position_embeddings";
  std::string_view norm_epsilon = "rms_norm_eps";
  std::string_view rope_theta = "rope_theta";
  std::string_view rotary_share = "partial_rotary_factor";
  std::string_view activation = "hidden_act";
  int64_t default_vocab_size = 0;  // 0: must be given
  int64_t default_heads = 0;       // 0: must be given
  int64_t default_kv_heads = 0;    // 0: as many as heads
  int64_t default_head_dim = 0;    // 0: hidden_size / heads
  double default_norm_epsilon = 1e-6;
  double default_rope_theta = 10000.0;
  double default_rotary_share = 1.0;
  int64_t default_max_positions = 2048;
  std::string_view default_activation = "silu";
  bool default_tied_head = false;
};

// A family of models as files know it: names and configuration keys, both ways. The forward pass
// knows nothing of it. A new family is one file with one such constant and one line in the
// registry.
struct Architecture {
  std::string_view name;                // DecoderConfig::architecture
  std::string_view gguf_name;           // general.architecture
  std::string_view model_type;          // of config.json
  std::string_view hugging_face_class;  // "architectures" in config.json
  std::span<const WeightRule> gguf_rules = {};
  std::span<const WeightRule> hugging_face_rules = {};
  HuggingFaceKeys keys = {};
  RopeStyle gguf_rope_style =
      RopeStyle::kHalves;        // row order of query and key weights in GGUF files
  float norm_offset = 0.0F;      // Hugging Face stores norm weights less this
  bool gguf_needs_head = false;  // llama.cpp asks for output.weight even where it is tied

  // What every model of the family has in common. Runs before anything is read.
  void (*set_family)(DecoderConfig& config) = nullptr;
  // The family's own keys, after those that all share (models/gguf_config.h,
  // models/hugging_face_config.h); null where there are none.
  void (*read_gguf)(const Metadata& metadata, FindTensor find, DecoderConfig& config) = nullptr;
  void (*write_gguf)(const DecoderConfig& config, Metadata& metadata) = nullptr;
  void (*read_hugging_face)(const Metadata& metadata, DecoderConfig& config) = nullptr;
  void (*write_hugging_face)(const DecoderConfig& config, Metadata& metadata) = nullptr;

  WeightNames gguf_names() const;
  WeightNames hugging_face_names() const;
};

// By DecoderConfig::architecture, GGUF's general.architecture, or config.json's model_type. Throw
// Error(kUnsupported) that names the architecture, where it was found, and those known.
const Architecture& find_architecture(std::string_view name, const std::string& where);
const Architecture& find_gguf_architecture(std::string_view name, const std::string& where);
const Architecture& find_hugging_face_architecture(std::string_view model_type,
                                                   const std::string& where);

}  // namespace onmal
