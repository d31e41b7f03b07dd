#include "models/gguf_config.h"

#include <algorithm>

#include "base/error.h"
#include "models/activation_name.h"

namespace onmal {
namespace {

constexpr std::string_view kFactors = "rope_freqs.weight";
constexpr std::string_view kLongFactors = "rope_factors_long.weight";
constexpr std::string_view kShortFactors = "rope_factors_short.weight";

// Typed access to the keys of one family.
class Keys {
 public:
  Keys(const Metadata& metadata, const DecoderConfig& config)
      : metadata_(metadata), prefix_(gguf_key(config, "")) {}

  bool has(std::string_view name) const { return metadata_.contains(key(name)); }
  int64_t integer(std::string_view name) const { return metadata_.get_int(key(name)); }
  int64_t integer(std::string_view name, int64_t fallback) const {
    return metadata_.get_int(key(name), fallback);
  }
  double real(std::string_view name, double fallback) const {
    return metadata_.get_float(key(name), fallback);
  }
  float single(std::string_view name, float fallback) const {
    return static_cast<float>(real(name, static_cast<double>(fallback)));
  }
  std::string text(std::string_view name, std::string_view fallback) const {
    return metadata_.get_string(key(name), fallback);
  }
  const MetadataValue* find(std::string_view name) const { return metadata_.find(key(name)); }
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  [[noreturn]] void refuse(std::string_view name, const std::string& what) const {
    throw Error(ErrorCode::kUnsupported, metadata_.where(), key(name) + " " + what);
  }

 private:
  const Metadata& metadata_;
  std::string prefix_;
};

std::string_view epsilon_key(const DecoderConfig& config) {
  return config.norm == NormKind::kLayer ? "attention.layer_norm_epsilon"
                                         : "attention.layer_norm_rms_epsilon";
}

void read_sizes(const Keys& keys, DecoderConfig& config) {
  config.dim = keys.integer("embedding_length");
  config.layers = keys.integer("block_count");
  config.heads = keys.integer("attention.head_count");
  config.kv_heads = keys.integer("attention.head_count_kv", config.heads);
  const int64_t even_share = config.heads > 0 ? config.dim / config.heads : 0;
  config.head_dim = keys.integer("attention.key_length", even_share);
  if (keys.integer("attention.value_length", config.head_dim) != config.head_dim)
    keys.refuse("attention.value_length", "differs from key_length");
  config.max_positions = keys.integer("context_length");
  config.norm_epsilon = static_cast<float>(keys.real(epsilon_key(config), 0.0));
  if (!keys.has(epsilon_key(config))) keys.integer(epsilon_key(config));  // the error names it
}

// The rows of each matrix of a tensor in the first or the last layer; 0 without it.
int64_t rows_of(FindTensor find, const DecoderConfig& config, const std::string& name) {
  for (const int64_t layer : {int64_t{0}, config.layers - 1}) {
    const Tensor tensor = find("blk." + std::to_string(layer) + "." + name);
    if (tensor.defined() && tensor.shape().rank() >= 2) return tensor.dim(-2);
  }
  return 0;
}

void read_experts(const Keys& keys, FindTensor find, DecoderConfig& config) {
  ExpertsConfig& experts = config.experts;
  experts.count = keys.integer("expert_count", 0);
  // Models whose layers all have experts may leave out the dense size.
  const int64_t inner = keys.integer("expert_feed_forward_length", 0);
  config.ffn_dim =
      inner > 0 ? keys.integer("feed_forward_length", inner) : keys.integer("feed_forward_length");
  if (config.ffn_dim == 0) config.ffn_dim = inner;
  if (experts.count == 0) return;
  experts.per_token = keys.integer("expert_used_count");
  // Older files leave sizes to the tensors.
  const int64_t rows = rows_of(find, config, "ffn_gate_exps.weight");
  experts.ffn_dim = inner > 0 ? inner : rows > 0 ? rows : config.ffn_dim;
  experts.shared_ffn_dim = keys.integer("expert_shared_feed_forward_length",
                                        rows_of(find, config, "ffn_gate_shexp.weight"));
  if (const MetadataValue* value = keys.find("expert_weights_norm"); value != nullptr)
    experts.normalize = std::get_if<bool>(value) != nullptr && std::get<bool>(*value);
}

void read_scaling(const Keys& keys, FindTensor find, DecoderConfig& config) {
  RopeScaling& scaling = config.rope_scaling;
  const std::string type = keys.text("rope.scaling.type", "");
  scaling.factor = keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 1.0));
  if (scaling.factor == 0.0) scaling.factor = 1.0;
  scaling.original_positions =
      keys.integer("rope.scaling.original_context_length", config.max_positions);
  scaling.magnitude = keys.real("rope.scaling.attn_factor", 1.0);
  const auto factors = [&](std::string_view name) {
    const Tensor tensor = find(std::string(name));
    if (!tensor.defined() || tensor.dtype() != DType::kF32) return std::vector<float>{};
    return std::vector<float>(tensor.f32(), tensor.f32() + tensor.elements());
  };
  if (scaling.long_factors = factors(kFactors); !scaling.long_factors.empty()) {
    scaling.kind = RopeScalingKind::kFactors;
  } else if (scaling.long_factors = factors(kLongFactors); !scaling.long_factors.empty()) {
    scaling.kind = RopeScalingKind::kLongRope;
    scaling.short_factors = factors(kShortFactors);
  } else if (type == "yarn") {
    scaling.kind = RopeScalingKind::kYarn;
    scaling.beta_fast = keys.real("rope.scaling.yarn_beta_fast", scaling.beta_fast);
    scaling.beta_slow = keys.real("rope.scaling.yarn_beta_slow", scaling.beta_slow);
    const double multiplier = keys.real("rope.scaling.yarn_log_multiplier", 0.0);
    scaling.magnitude *= yarn_magnitude(scaling.factor);
    if (multiplier != 0.0) scaling.magnitude /= yarn_magnitude(scaling.factor, multiplier);
  } else if (type == "longrope") {
    keys.refuse("rope.scaling.type",
                "is 'longrope', but the tensor '" + std::string(kLongFactors) + "' is missing");
  } else if (type.empty() || type == "linear" || type == "none") {
    if (type != "none" && scaling.factor != 1.0) scaling.kind = RopeScalingKind::kLinear;
  } else {
    keys.refuse("rope.scaling.type", "is '" + type + "', not linear, yarn, longrope or none");
  }
}

void read_rope(const Keys& keys, FindTensor find, DecoderConfig& config) {
  if (config.position != PositionKind::kRope) return;
  config.rope_theta = keys.real("rope.freq_base", 10000.0);
  const int64_t rotated = keys.integer("rope.dimension_count", config.head_dim);
  if (rotated < 2) keys.refuse("rope.dimension_count", "leaves nothing to rotate");
  config.rotary_dims = rotated == config.head_dim ? 0 : rotated;
  if (keys.has("rope.freq_base_swa")) config.local_rope_theta = keys.real("rope.freq_base_swa", 0);
  read_scaling(keys, find, config);
}

void read_window(const Keys& keys, DecoderConfig& config) {
  config.window = keys.integer("attention.sliding_window", config.window);
  const MetadataValue* pattern = keys.find("attention.sliding_window_pattern");
  if (pattern == nullptr) return;
  if (const auto* period = std::get_if<int64_t>(pattern); period != nullptr) {
    config.local_layers = periodic_layers(config.layers, *period);
  } else if (const auto* flags = std::get_if<std::vector<bool>>(pattern); flags != nullptr) {
    config.local_layers = *flags;
  } else if (const auto* numbers = std::get_if<std::vector<int64_t>>(pattern); numbers != nullptr) {
    config.local_layers.assign(numbers->begin(), numbers->end());
  } else {
    keys.refuse("attention.sliding_window_pattern", "is no number and no array of flags");
  }
}

void read_scales(const Keys& keys, DecoderConfig& config) {
  config.attention_softcap = keys.single("attn_logit_softcapping", config.attention_softcap);
  config.logit_softcap = keys.single("final_logit_softcapping", config.logit_softcap);
  config.attention_scale = keys.single("attention.scale", config.attention_scale);
  if (const std::string name = keys.text("hidden_activation", ""); !name.empty())
    config.activation = activation_of(name, keys.key("hidden_activation"));
}

void read_presence(const Architecture& architecture, FindTensor find, DecoderConfig& config) {
  const WeightNames names = architecture.gguf_names();
  const auto has = [&](const std::string& ours, int64_t layer) {
    for (const WeightRule* rule : names.find(ours, config)) {
      std::string name(rule->theirs);
      if (const size_t mark = name.find("{}"); mark != std::string::npos)
        name.replace(mark, 2, std::to_string(layer));
      if (find(name).defined()) return true;
    }
    return false;
  };
  config.tied_head = !has("head.weight", 0);
  config.qkv_bias = has("layers.{}.query.bias", 0);
  config.output_bias = has("layers.{}.output.bias", 0);
  config.mlp_bias = has("layers.{}.up.bias", 0);
  if (config.experts.count == 0 || config.layers < 1 || config.layers > 4096) return;
  std::vector<bool> layers(static_cast<size_t>(config.layers));
  for (int64_t i = 0; i < config.layers; ++i)
    layers[static_cast<size_t>(i)] = has("layers.{}.router.weight", i);
  if (std::find(layers.begin(), layers.end(), false) != layers.end())
    config.experts.in_layers = layers;
}

// n when layers 0 … n - 2 of every n are local and nothing else; 0 when there is no such n.
int64_t period_of(const std::vector<bool>& local) {
  const auto layers = static_cast<int64_t>(local.size());
  for (int64_t period = 1; period <= layers + 1; ++period) {
    if (periodic_layers(layers, period) == local) return period;
  }
  return 0;
}

void write_scaling(const DecoderConfig& config, Metadata& metadata) {
  const RopeScaling& scaling = config.rope_scaling;
  const auto key = [&](const char* name) { return gguf_key(config, name); };
  if (scaling.kind == RopeScalingKind::kLinear) {
    metadata.set(key("rope.scaling.type"), std::string("linear"));
    metadata.set(key("rope.scaling.factor"), scaling.factor);
  } else if (scaling.kind == RopeScalingKind::kYarn) {
    metadata.set(key("rope.scaling.type"), std::string("yarn"));
    metadata.set(key("rope.scaling.factor"), scaling.factor);
    metadata.set(key("rope.scaling.original_context_length"), scaling.original_positions);
    metadata.set(key("rope.scaling.yarn_beta_fast"), scaling.beta_fast);
    metadata.set(key("rope.scaling.yarn_beta_slow"), scaling.beta_slow);
    metadata.set(key("rope.scaling.attn_factor"),
                 scaling.magnitude / yarn_magnitude(scaling.factor));
    if (!scaling.truncate) {
      throw Error(ErrorCode::kUnsupported, metadata.where(),
                  "GGUF cannot say that yarn's range is not rounded (\"truncate\": false)",
                  "keep the model in Hugging Face's format");
    }
  } else if (scaling.kind == RopeScalingKind::kLongRope) {
    metadata.set(key("rope.scaling.type"), std::string("longrope"));
    metadata.set(key("rope.scaling.original_context_length"), scaling.original_positions);
    metadata.set(key("rope.scaling.attn_factor"), scaling.magnitude);
  } else if (scaling.kind == RopeScalingKind::kFactors && scaling.magnitude != 1.0) {
    metadata.set(key("rope.scaling.attn_factor"), scaling.magnitude);
  }
}

void write_rope(const DecoderConfig& config, Metadata& metadata) {
  if (config.position != PositionKind::kRope) return;
  metadata.set(gguf_key(config, "rope.freq_base"), config.rope_theta);
  metadata.set(gguf_key(config, "rope.dimension_count"), config.rotated_dims());
  if (config.local_rope_theta)
    metadata.set(gguf_key(config, "rope.freq_base_swa"), *config.local_rope_theta);
  write_scaling(config, metadata);
}

void write_window(const DecoderConfig& config, Metadata& metadata) {
  if (config.window == 0) return;
  metadata.set(gguf_key(config, "attention.sliding_window"), config.window);
  const std::string key = gguf_key(config, "attention.sliding_window_pattern");
  if (config.local_layers.empty()) {
    metadata.set(key, int64_t{0});
  } else if (const int64_t period = period_of(config.local_layers); period > 0) {
    metadata.set(key, period);
  } else {
    metadata.set(key, config.local_layers);
  }
}

void write_experts(const DecoderConfig& config, Metadata& metadata) {
  const ExpertsConfig& experts = config.experts;
  if (experts.count == 0) return;
  metadata.set(gguf_key(config, "expert_count"), experts.count);
  metadata.set(gguf_key(config, "expert_used_count"), experts.per_token);
  metadata.set(gguf_key(config, "expert_feed_forward_length"), experts.ffn_dim);
  metadata.set(gguf_key(config, "expert_weights_norm"), experts.normalize);
  if (experts.shared_ffn_dim > 0) {
    metadata.set(gguf_key(config, "expert_shared_feed_forward_length"), experts.shared_ffn_dim);
  }
}

void write_scales(const Architecture& architecture, const DecoderConfig& config,
                  Metadata& metadata) {
  DecoderConfig family;
  architecture.set_family(family);
  const auto set = [&](const char* name, float value, float usual) {
    if (value != usual) metadata.set(gguf_key(config, name), static_cast<double>(value));
  };
  set("attn_logit_softcapping", config.attention_softcap, 0.0F);
  set("final_logit_softcapping", config.logit_softcap, 0.0F);
  set("attention.scale", config.attention_scale, 0.0F);
  if (config.activation != family.activation) {
    metadata.set(gguf_key(config, "hidden_activation"),
                 std::string(activation_name(config.activation)));
  }
}

}  // namespace

std::string gguf_key(const DecoderConfig& config, std::string_view name) {
  const Architecture& architecture = find_architecture(config.architecture, "GGUF");
  return std::string(architecture.gguf_name) + "." + std::string(name);
}

std::vector<bool> periodic_layers(int64_t layers, int64_t period) {
  std::vector<bool> local(static_cast<size_t>(std::clamp<int64_t>(layers, 0, 4096)));
  for (size_t i = 0; i < local.size(); ++i)
    local[i] = period <= 0 || static_cast<int64_t>(i) % period < period - 1;
  return local;
}

DecoderConfig read_gguf_config(const Metadata& metadata, FindTensor find) {
  const std::string name = metadata.get_string("general.architecture");
  const Architecture* architecture = &find_gguf_architecture(name, metadata.where());
  DecoderConfig config;
  config.architecture = architecture->name;
  architecture->set_family(config);
  config.rope_style = architecture->gguf_rope_style;
  const Keys keys(metadata, config);
  read_sizes(keys, config);
  read_experts(keys, find, config);
  read_rope(keys, find, config);
  read_window(keys, config);
  read_scales(keys, config);
  if (architecture->read_gguf != nullptr) architecture->read_gguf(metadata, find, config);
  architecture = &find_architecture(config.architecture, metadata.where());
  read_presence(*architecture, find, config);
  const Tensor embedding = find("token_embd.weight");
  config.vocab_size = embedding.defined() && embedding.shape().rank() == 2 ? embedding.dim(0) : 0;
  config.validate(metadata.where());
  return config;
}

void write_gguf_config(const DecoderConfig& config, Metadata& metadata) {
  const Architecture& architecture = find_architecture(config.architecture, metadata.where());
  const auto set = [&](std::string_view name, int64_t value) {
    metadata.set(gguf_key(config, name), value);
  };
  metadata.set("general.architecture", std::string(architecture.gguf_name));
  set("context_length", config.max_positions);
  set("embedding_length", config.dim);
  set("block_count", config.layers);
  set("feed_forward_length", config.ffn_dim);
  set("attention.head_count", config.heads);
  set("attention.head_count_kv", config.kv_heads);
  set("attention.key_length", config.head_dim);
  set("attention.value_length", config.head_dim);
  set("vocab_size", config.vocab_size);
  metadata.set(gguf_key(config, epsilon_key(config)), static_cast<double>(config.norm_epsilon));
  write_rope(config, metadata);
  write_window(config, metadata);
  write_experts(config, metadata);
  write_scales(architecture, config, metadata);
  if (architecture.write_gguf != nullptr) architecture.write_gguf(config, metadata);
}

std::vector<NamedTensor> gguf_config_tensors(const DecoderConfig& config, Allocator& memory) {
  std::vector<NamedTensor> tensors;
  const auto add = [&](std::string_view name, const std::vector<float>& values) {
    const Tensor tensor = Tensor::empty(memory, Shape{static_cast<int64_t>(values.size())});
    std::copy(values.begin(), values.end(), tensor.f32());
    tensors.push_back({std::string(name), tensor});
  };
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.kind == RopeScalingKind::kFactors) {
    add(kFactors, scaling.long_factors);
  } else if (scaling.kind == RopeScalingKind::kLongRope) {
    add(kLongFactors, scaling.long_factors);
    add(kShortFactors, scaling.short_factors);
  } else if (scaling.kind == RopeScalingKind::kLlama3) {
    const int64_t dims = config.rotated_dims();
    const std::vector<double> plain =
        rope_frequencies(RopeScaling{}, dims, config.rope_theta, false);
    const std::vector<double> scaled = rope_frequencies(scaling, dims, config.rope_theta, false);
    std::vector<float> factors(plain.size());
    for (size_t i = 0; i < factors.size(); ++i)
      factors[i] = static_cast<float>(plain[i] / scaled[i]);
    add(kFactors, factors);
  }
  return tensors;
}

}  // namespace onmal
