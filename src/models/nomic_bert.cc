#include "models/nomic_bert.h"

#include <algorithm>

#include "base/error.h"
#include "models/bert.h"

namespace onmal {
namespace {

constexpr EncoderRule kHuggingFaceRules[] = {
    {"embedding.weight", "embeddings.word_embeddings.weight"},
    {"type_embedding.weight", "embeddings.token_type_embeddings.weight"},
    {"embedding_norm.weight", "emb_ln.weight"},
    {"embedding_norm.bias", "emb_ln.bias"},
    {"layers.{}.query.weight", "encoder.layers.{}.attn.Wqkv.weight", 0, 3},
    {"layers.{}.query.bias", "encoder.layers.{}.attn.Wqkv.bias", 0, 3},
    {"layers.{}.key.weight", "encoder.layers.{}.attn.Wqkv.weight", 1, 3},
    {"layers.{}.key.bias", "encoder.layers.{}.attn.Wqkv.bias", 1, 3},
    {"layers.{}.value.weight", "encoder.layers.{}.attn.Wqkv.weight", 2, 3},
    {"layers.{}.value.bias", "encoder.layers.{}.attn.Wqkv.bias", 2, 3},
    {"layers.{}.output.weight", "encoder.layers.{}.attn.out_proj.weight"},
    {"layers.{}.output.bias", "encoder.layers.{}.attn.out_proj.bias"},
    {"layers.{}.attention_norm.weight", "encoder.layers.{}.norm1.weight"},
    {"layers.{}.attention_norm.bias", "encoder.layers.{}.norm1.bias"},
    {"layers.{}.gate.weight", "encoder.layers.{}.mlp.fc12.weight"},
    {"layers.{}.gate.bias", "encoder.layers.{}.mlp.fc12.bias"},
    {"layers.{}.up.weight", "encoder.layers.{}.mlp.fc11.weight"},
    {"layers.{}.up.bias", "encoder.layers.{}.mlp.fc11.bias"},
    {"layers.{}.up.weight", "encoder.layers.{}.mlp.fc1.weight"},
    {"layers.{}.up.bias", "encoder.layers.{}.mlp.fc1.bias"},
    {"layers.{}.down.weight", "encoder.layers.{}.mlp.fc2.weight"},
    {"layers.{}.down.bias", "encoder.layers.{}.mlp.fc2.bias"},
    {"layers.{}.mlp_norm.weight", "encoder.layers.{}.norm2.weight"},
    {"layers.{}.mlp_norm.bias", "encoder.layers.{}.norm2.bias"},
};

bool is_hugging_face(const Metadata& metadata) {
  return metadata.get_string("model_type", "") == "nomic_bert";
}

void refuse(bool condition, const Metadata& metadata, const std::string& what) {
  if (condition) throw Error(ErrorCode::kUnsupported, metadata.where(), what);
}

void read_gguf(const EncoderSource& source, EncoderConfig& config) {
  read_bert_gguf_base(source, config);
  const Metadata& metadata = source.metadata;
  refuse(metadata.get_int("nomic-bert.moe_every_n_layers", 0) > 0, metadata,
         "encoders with a mixture of experts are not known");
  config.positions = EncoderPositions::kRope;
  config.rope_theta = metadata.get_float("nomic-bert.rope.freq_base", 10000.0);
  config.gated_mlp = true;
  config.gate_bias = source.has("blk.0.ffn_gate.bias");
  config.activation = Activation::kSilu;
}

void write_gguf(const EncoderConfig& config, Metadata& metadata) {
  const bool known = config.gated_mlp && config.activation == Activation::kSilu &&
                     config.rope_style == RopeStyle::kHalves && !config.up_bias &&
                     !config.down_bias;
  refuse(!known, metadata,
         "GGUF files of 'nomic-bert' know only gated SiLU without biases and rotations by halves");
  write_bert_gguf_base(config, metadata);
  metadata.set("nomic-bert.rope.freq_base", config.rope_theta);
}

// Queries, keys and values stand in one tensor.
bool writes_gguf(const EncoderRule& rule) {
  return rule.theirs.find(".attn_q.") == std::string_view::npos &&
         rule.theirs.find(".attn_k.") == std::string_view::npos &&
         rule.theirs.find(".attn_v.") == std::string_view::npos;
}

// Newer checkpoints use the common names, older ones GPT-2's.
int64_t either(const Metadata& metadata, const char* name, const char* other) {
  return metadata.get_int(metadata.contains(name) ? name : other);
}

void read_activation(const Metadata& metadata, EncoderConfig& config) {
  const std::string name =
      metadata.get_string("activation_function", metadata.get_string("hidden_act", "swiglu"));
  config.gated_mlp = name == "swiglu" || name == "geglu" || name == "glu" || name == "silu";
  refuse(name == "glu", metadata, "the activation 'glu' is not known");
  config.activation = name == "swiglu"  ? Activation::kSilu
                      : name == "geglu" ? Activation::kGeluErf
                                        : activation_from_name(name, metadata.where());
}

void read_hugging_face(const EncoderSource& source, EncoderConfig& config) {
  const Metadata& metadata = source.metadata;
  config.vocab_size = metadata.get_int("vocab_size");
  config.dim = either(metadata, "n_embd", "hidden_size");
  config.layers = either(metadata, "n_layer", "num_hidden_layers");
  config.heads = either(metadata, "n_head", "num_attention_heads");
  config.head_dim = config.heads > 0 ? config.dim / config.heads : 0;
  config.ffn_dim = either(metadata, "n_inner", "intermediate_size");
  config.max_positions = either(metadata, "n_positions", "max_position_embeddings");
  // Beyond the trained length the reference stretches its frequencies, other than here.
  if (metadata.get_float("rotary_scaling_factor", 0.0) > 0.0) {
    config.max_positions = std::min(
        config.max_positions, metadata.get_int("max_trained_positions", config.max_positions));
  }
  config.token_types = metadata.get_int("type_vocab_size", 2);
  config.norm_epsilon = static_cast<float>(
      metadata.get_float("layer_norm_epsilon", metadata.get_float("layer_norm_eps", 1e-12)));
  refuse(metadata.get_bool("prenorm", false), metadata, "'prenorm' is not known");
  refuse(metadata.get_bool("use_rms_norm", false), metadata, "'use_rms_norm' is not known");
  refuse(metadata.get_float("rotary_emb_fraction", 1.0) != 1.0, metadata,
         "only a rotary_emb_fraction of 1 is known");
  refuse(metadata.get_int("num_experts", 0) > 0 && metadata.get_int("moe_every_n_layers", 0) > 0,
         metadata, "encoders with a mixture of experts are not known");
  config.positions = EncoderPositions::kRope;
  config.rope_theta =
      metadata.get_float("rotary_emb_base", metadata.get_float("rope_theta", 1000.0));
  config.rope_style = metadata.get_bool("rotary_emb_interleaved", false) ? RopeStyle::kInterleaved
                                                                         : RopeStyle::kHalves;
  read_activation(metadata, config);
  config.embedding_norm = true;
  config.qkv_bias = config.output_bias = metadata.get_bool("qkv_proj_bias", true);
  config.up_bias = metadata.get_bool("mlp_fc1_bias", true);
  config.gate_bias = config.gated_mlp && config.up_bias;
  config.down_bias = metadata.get_bool("mlp_fc2_bias", true);
}

}  // namespace

const EncoderFamily kNomicBertFamily = {
    "nomic-bert",      is_hugging_face, kBertGgufRules, kHuggingFaceRules, read_gguf,
    read_hugging_face, nullptr,         nullptr,        write_gguf,        writes_gguf,
};

}  // namespace onmal
