#include "models/hugging_face_config.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "base/error.h"
#include "models/activation_name.h"

namespace onmal {
namespace {

constexpr int64_t kLargest = int64_t{1} << 40;  // what nothing that is counted reaches

int64_t whole_part(double value) {
  return value > 0.0 ? static_cast<int64_t>(std::min(value, static_cast<double>(kLargest))) : 0;
}

// Under the family's own key, or one that all libraries take for it.
int64_t read_size(const Metadata& metadata, std::initializer_list<std::string_view> keys,
                  int64_t fallback = 0) {
  for (const std::string_view key : keys) {
    if (metadata.contains(key)) return metadata.get_int(key);
  }
  return fallback > 0 ? fallback : metadata.get_int(*keys.begin());  // the error names it
}

// Where the keys of the rotation stand: "rope_scaling" beside "rope_theta", or (newer)
// "rope_parameters" with both, one for each kind of layer where kinds differ.
std::string rope_prefix(const Metadata& metadata) {
  for (const char* prefix : {"rope_parameters.full_attention.", "rope_parameters."}) {
    for (const char* key : {"rope_theta", "rope_type", "type", "factor"}) {
      if (metadata.contains(prefix + std::string(key))) return prefix;
    }
  }
  return "rope_scaling.";
}

std::vector<float> read_factors(const Metadata& metadata, const std::string& key) {
  const std::vector<double> values = metadata.get_floats(key);
  return {values.begin(), values.end()};
}

double read_yarn_magnitude(const Metadata& metadata, const std::string& prefix, double factor) {
  const double one = metadata.get_float(prefix + "mscale", 0.0);
  const double all = metadata.get_float(prefix + "mscale_all_dim", 0.0);
  const double usual = one != 0.0 && all != 0.0
                           ? yarn_magnitude(factor, one) / yarn_magnitude(factor, all)
                           : yarn_magnitude(factor);
  return metadata.get_float(prefix + "attention_factor", usual);
}

void read_yarn(const Metadata& metadata, const std::string& prefix, RopeScaling& scaling) {
  scaling.kind = RopeScalingKind::kYarn;
  scaling.magnitude = read_yarn_magnitude(metadata, prefix, scaling.factor);
  scaling.beta_fast = metadata.get_float(prefix + "beta_fast", scaling.beta_fast);
  scaling.beta_slow = metadata.get_float(prefix + "beta_slow", scaling.beta_slow);
  scaling.truncate = metadata.get_bool(prefix + "truncate", true);
}

void read_longrope(const Metadata& metadata, const std::string& prefix, RopeScaling& scaling,
                   int64_t max_positions) {
  scaling.kind = RopeScalingKind::kLongRope;
  scaling.short_factors = read_factors(metadata, prefix + "short_factor");
  scaling.long_factors = read_factors(metadata, prefix + "long_factor");
  const auto original = static_cast<double>(scaling.original_positions);
  const double factor = static_cast<double>(max_positions) / original;
  const double usual = factor <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(factor) / std::log(original));
  scaling.magnitude = metadata.get_float(prefix + "attention_factor", usual);
  // Factors whose sequences are never told apart.
  if (scaling.short_factors == scaling.long_factors) scaling.kind = RopeScalingKind::kFactors;
}

void read_scaling(const Metadata& metadata, const std::string& prefix, DecoderConfig& config) {
  RopeScaling& scaling = config.rope_scaling;
  const std::string type =
      metadata.get_string(prefix + "rope_type", metadata.get_string(prefix + "type", "default"));
  scaling.original_positions =
      metadata.get_int(prefix + "original_max_position_embeddings",
                       metadata.get_int("original_max_position_embeddings", config.max_positions));
  if (type == "default") return;
  const bool needs_factor = type == "linear" || type == "dynamic" || type == "llama3";
  const double ratio = static_cast<double>(config.max_positions) /
                       static_cast<double>(std::max<int64_t>(scaling.original_positions, 1));
  scaling.factor = needs_factor ? metadata.get_float(prefix + "factor")
                                : metadata.get_float(prefix + "factor", ratio);
  if (type == "linear") {
    scaling.kind = RopeScalingKind::kLinear;
  } else if (type == "dynamic") {
    scaling.kind = RopeScalingKind::kDynamic;
  } else if (type == "yarn") {
    read_yarn(metadata, prefix, scaling);
    // Such models are for as many positions as the factor reaches, whatever the old maximum says.
    config.max_positions =
        std::max(config.max_positions,
                 whole_part(scaling.factor * static_cast<double>(scaling.original_positions)));
  } else if (type == "llama3") {
    scaling.kind = RopeScalingKind::kLlama3;
    scaling.low_frequency_factor = metadata.get_float(prefix + "low_freq_factor");
    scaling.high_frequency_factor = metadata.get_float(prefix + "high_freq_factor");
  } else if (type == "longrope" || type == "su") {
    read_longrope(metadata, prefix, scaling, config.max_positions);
  } else {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "unknown rope scaling '" + type + "' in " + prefix + "rope_type",
                "known ones: default, linear, dynamic, yarn, llama3, longrope");
  }
}

void read_rope(const Metadata& metadata, const HuggingFaceKeys& keys, DecoderConfig& config) {
  if (config.position != PositionKind::kRope) return;
  const std::string prefix = rope_prefix(metadata);
  config.rope_theta = metadata.get_float(
      prefix + "rope_theta", metadata.get_float(keys.rope_theta, keys.default_rope_theta));
  const double share =
      metadata.get_float(prefix + "partial_rotary_factor",
                         metadata.get_float(keys.rotary_share, keys.default_rotary_share));
  const int64_t rotated = whole_part(share * static_cast<double>(config.head_dim));
  if (rotated < 2) refuse_key(metadata, keys.rotary_share, "leaves nothing to rotate");
  config.rotary_dims = rotated == config.head_dim ? 0 : rotated;
  read_scaling(metadata, prefix, config);
}

void read_experts(const Metadata& metadata, DecoderConfig& config) {
  ExpertsConfig& experts = config.experts;
  experts.count = metadata.get_int("num_experts", metadata.get_int("num_local_experts", 0));
  if (experts.count == 0) return;
  experts.per_token = metadata.get_int("num_experts_per_tok", 2);
  experts.ffn_dim = metadata.get_int("moe_intermediate_size", config.ffn_dim);
  experts.normalize = metadata.get_bool("norm_topk_prob", experts.normalize);
}

void write_rope(const DecoderConfig& config, const HuggingFaceKeys& keys, Metadata& metadata) {
  if (config.position != PositionKind::kRope) return;
  metadata.set(std::string(keys.rope_theta), config.rope_theta);
  if (config.rotary_dims > 0 || keys.default_rotary_share != 1.0) {
    metadata.set(std::string(keys.rotary_share),
                 static_cast<double>(config.rotated_dims()) / static_cast<double>(config.head_dim));
  }
  const RopeScaling& scaling = config.rope_scaling;
  const auto type = [&](const char* name) {
    metadata.set("rope_scaling.rope_type", std::string(name));
    if (scaling.kind != RopeScalingKind::kFactors)
      metadata.set("rope_scaling.factor", scaling.factor);
  };
  const auto originally = [&] {
    metadata.set("rope_scaling.original_max_position_embeddings", scaling.original_positions);
  };
  const auto factors = [&](const std::vector<float>& of_short) {
    metadata.set("rope_scaling.short_factor",
                 std::vector<double>(of_short.begin(), of_short.end()));
    metadata.set("rope_scaling.long_factor",
                 std::vector<double>(scaling.long_factors.begin(), scaling.long_factors.end()));
    metadata.set("rope_scaling.attention_factor", scaling.magnitude);
    metadata.set("original_max_position_embeddings", scaling.original_positions);
  };
  switch (scaling.kind) {
    case RopeScalingKind::kNone:
      return;
    case RopeScalingKind::kLinear:
      return type("linear");
    case RopeScalingKind::kDynamic:
      return type("dynamic");
    case RopeScalingKind::kYarn:
      type("yarn");
      originally();
      metadata.set("rope_scaling.attention_factor", scaling.magnitude);
      metadata.set("rope_scaling.beta_fast", scaling.beta_fast);
      metadata.set("rope_scaling.beta_slow", scaling.beta_slow);
      if (!scaling.truncate) metadata.set("rope_scaling.truncate", false);
      return;
    case RopeScalingKind::kLlama3:
      type("llama3");
      originally();
      metadata.set("rope_scaling.low_freq_factor", scaling.low_frequency_factor);
      metadata.set("rope_scaling.high_freq_factor", scaling.high_frequency_factor);
      return;
    case RopeScalingKind::kFactors:
      type("longrope");
      return factors(scaling.long_factors);
    case RopeScalingKind::kLongRope:
      type("longrope");
      return factors(scaling.short_factors);
  }
}

}  // namespace

void refuse_key(const Metadata& metadata, std::string_view key, const std::string& what) {
  throw Error(ErrorCode::kUnsupported, metadata.where(), "\"" + std::string(key) + "\" " + what);
}

float read_single(const Metadata& metadata, std::string_view key, double fallback) {
  return static_cast<float>(metadata.get_float(key, fallback));
}

void read_attention_bias(const Metadata& metadata, DecoderConfig& config, bool fallback) {
  config.qkv_bias = config.output_bias = metadata.get_bool("attention_bias", fallback);
}

void read_window(const Metadata& metadata, DecoderConfig& config, bool in_use,
                 bool (*is_local)(int64_t layer, int64_t period), int64_t period) {
  config.window = in_use ? metadata.get_int("sliding_window", 0) : 0;
  config.local_layers.clear();
  if (config.window == 0 || config.layers < 1 || config.layers > 4096) return;
  std::vector<bool> local(static_cast<size_t>(config.layers));
  if (metadata.contains("layer_types")) {
    const std::span<const std::string> types = metadata.get_strings("layer_types");
    if (types.size() != local.size())
      refuse_key(metadata, "layer_types", "does not name every layer");
    for (size_t i = 0; i < local.size(); ++i) {
      local[i] = types[i] == "sliding_attention";
      if (!local[i] && types[i] != "full_attention")
        refuse_key(metadata, "layer_types", "has layers of the unknown kind '" + types[i] + "'");
    }
  } else {
    for (size_t i = 0; i < local.size(); ++i) local[i] = is_local(static_cast<int64_t>(i), period);
  }
  const auto locals = std::count(local.begin(), local.end(), true);
  if (locals == 0) config.window = 0;
  if (locals > 0 && locals < config.layers) config.local_layers = local;
}

void write_window(const DecoderConfig& config, Metadata& metadata) {
  if (config.window == 0) return;
  metadata.set("sliding_window", config.window);
  std::vector<std::string> types;
  for (int64_t i = 0; i < config.layers; ++i)
    types.emplace_back(config.is_local(i) ? "sliding_attention" : "full_attention");
  metadata.set("layer_types", types);
}

Metadata language_part(const Metadata& metadata) {
  constexpr std::string_view kPrefix = "text_config.";
  if (!metadata.contains("text_config.model_type")) return metadata;
  Metadata part(metadata.where());
  for (const auto& [key, value] : metadata.items()) {
    if (key.starts_with(kPrefix)) part.set(key.substr(kPrefix.size()), value);
  }
  return part;
}

DecoderConfig read_hugging_face_config(const Metadata& metadata) {
  const Architecture& architecture =
      find_hugging_face_architecture(metadata.get_string("model_type"), metadata.where());
  const HuggingFaceKeys& keys = architecture.keys;
  if (metadata.contains("quantization_config.quant_method")) {
    refuse_key(metadata, "quantization_config.quant_method",
               "is '" + metadata.get_string("quantization_config.quant_method") +
                   "'; only unquantised safetensors are read");
  }
  DecoderConfig config;
  config.architecture = architecture.name;
  architecture.set_family(config);
  config.rope_style = RopeStyle::kHalves;
  config.vocab_size = read_size(metadata, {"vocab_size"}, keys.default_vocab_size);
  config.dim = read_size(metadata, {keys.dim, "hidden_size", "n_embd"});
  config.layers = read_size(metadata, {keys.layers, "num_hidden_layers", "n_layer"});
  config.heads =
      read_size(metadata, {keys.heads, "num_attention_heads", "n_head"}, keys.default_heads);
  config.kv_heads = metadata.get_int(
      keys.kv_heads, keys.default_kv_heads > 0 ? keys.default_kv_heads : config.heads);
  const int64_t even_share = config.heads > 0 ? config.dim / config.heads : 0;
  config.head_dim =
      metadata.get_int("head_dim", keys.default_head_dim > 0 ? keys.default_head_dim : even_share);
  config.ffn_dim = metadata.get_int(keys.ffn_dim, 4 * std::min(config.dim, kLargest));
  config.max_positions = metadata.get_int(keys.max_positions, keys.default_max_positions);
  config.norm_epsilon = read_single(metadata, keys.norm_epsilon, keys.default_norm_epsilon);
  config.tied_head = metadata.get_bool("tie_word_embeddings", keys.default_tied_head);
  config.activation = activation_of(metadata.get_string(keys.activation, keys.default_activation),
                                    metadata.where() + ": " + std::string(keys.activation));
  read_rope(metadata, keys, config);
  read_experts(metadata, config);
  if (architecture.read_hugging_face != nullptr) architecture.read_hugging_face(metadata, config);
  config.validate(metadata.where());
  return config;
}

void write_hugging_face_config(const DecoderConfig& config, Metadata& metadata) {
  const Architecture& architecture = find_architecture(config.architecture, metadata.where());
  const HuggingFaceKeys& keys = architecture.keys;
  metadata.set("architectures",
               std::vector<std::string>{std::string(architecture.hugging_face_class)});
  metadata.set("model_type", std::string(architecture.model_type));
  metadata.set("vocab_size", config.vocab_size);
  metadata.set(std::string(keys.dim), config.dim);
  metadata.set(std::string(keys.layers), config.layers);
  metadata.set(std::string(keys.heads), config.heads);
  if (!keys.kv_heads.empty()) metadata.set(std::string(keys.kv_heads), config.kv_heads);
  metadata.set("head_dim", config.head_dim);
  metadata.set(std::string(keys.ffn_dim), config.ffn_dim);
  metadata.set(std::string(keys.max_positions), config.max_positions);
  metadata.set(std::string(keys.norm_epsilon), static_cast<double>(config.norm_epsilon));
  metadata.set("tie_word_embeddings", config.tied_head);
  metadata.set(std::string(keys.activation), std::string(activation_name(config.activation)));
  write_rope(config, keys, metadata);
  if (architecture.write_hugging_face != nullptr) architecture.write_hugging_face(config, metadata);
}

}  // namespace onmal
