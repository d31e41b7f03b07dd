#include "models/jina_bert.h"

#include "base/error.h"
#include "models/bert.h"

namespace onmal {
namespace {

// The first generation names its MLP "gated_layers" (gate first), the one with query and key norms
// "up_gated_layer" (gate last).
constexpr EncoderRule kHuggingFaceRules[] = {
    {"embedding.weight", "embeddings.word_embeddings.weight"},
    {"type_embedding.weight", "embeddings.token_type_embeddings.weight"},
    {"embedding_norm.weight", "embeddings.LayerNorm.weight"},
    {"embedding_norm.bias", "embeddings.LayerNorm.bias"},
    {"layers.{}.query.weight", "encoder.layer.{}.attention.self.query.weight"},
    {"layers.{}.query.bias", "encoder.layer.{}.attention.self.query.bias"},
    {"layers.{}.key.weight", "encoder.layer.{}.attention.self.key.weight"},
    {"layers.{}.key.bias", "encoder.layer.{}.attention.self.key.bias"},
    {"layers.{}.value.weight", "encoder.layer.{}.attention.self.value.weight"},
    {"layers.{}.value.bias", "encoder.layer.{}.attention.self.value.bias"},
    {"layers.{}.query_norm.weight", "encoder.layer.{}.attention.self.layer_norm_q.weight"},
    {"layers.{}.query_norm.bias", "encoder.layer.{}.attention.self.layer_norm_q.bias"},
    {"layers.{}.key_norm.weight", "encoder.layer.{}.attention.self.layer_norm_k.weight"},
    {"layers.{}.key_norm.bias", "encoder.layer.{}.attention.self.layer_norm_k.bias"},
    {"layers.{}.output.weight", "encoder.layer.{}.attention.output.dense.weight"},
    {"layers.{}.output.bias", "encoder.layer.{}.attention.output.dense.bias"},
    {"layers.{}.attention_norm.weight", "encoder.layer.{}.attention.output.LayerNorm.weight"},
    {"layers.{}.attention_norm.bias", "encoder.layer.{}.attention.output.LayerNorm.bias"},
    {"layers.{}.second_attention_norm.weight", "encoder.layer.{}.layer_norm_1.weight"},
    {"layers.{}.second_attention_norm.bias", "encoder.layer.{}.layer_norm_1.bias"},
    {"layers.{}.gate.weight", "encoder.layer.{}.mlp.gated_layers.weight", 0, 2},
    {"layers.{}.gate.weight", "encoder.layer.{}.mlp.up_gated_layer.weight", 1, 2},
    {"layers.{}.up.weight", "encoder.layer.{}.mlp.gated_layers.weight", 1, 2},
    {"layers.{}.up.weight", "encoder.layer.{}.mlp.up_gated_layer.weight", 0, 2},
    {"layers.{}.up.weight", "encoder.layer.{}.intermediate.dense.weight"},
    {"layers.{}.up.bias", "encoder.layer.{}.intermediate.dense.bias"},
    {"layers.{}.down.weight", "encoder.layer.{}.mlp.wo.weight"},
    {"layers.{}.down.weight", "encoder.layer.{}.mlp.down_layer.weight"},
    {"layers.{}.down.weight", "encoder.layer.{}.output.dense.weight"},
    {"layers.{}.down.bias", "encoder.layer.{}.mlp.wo.bias"},
    {"layers.{}.down.bias", "encoder.layer.{}.mlp.down_layer.bias"},
    {"layers.{}.down.bias", "encoder.layer.{}.output.dense.bias"},
    {"layers.{}.mlp_norm.weight", "encoder.layer.{}.mlp.layernorm.weight"},
    {"layers.{}.mlp_norm.weight", "encoder.layer.{}.layer_norm_2.weight"},
    {"layers.{}.mlp_norm.weight", "encoder.layer.{}.output.LayerNorm.weight"},
    {"layers.{}.mlp_norm.bias", "encoder.layer.{}.mlp.layernorm.bias"},
    {"layers.{}.mlp_norm.bias", "encoder.layer.{}.layer_norm_2.bias"},
    {"layers.{}.mlp_norm.bias", "encoder.layer.{}.output.LayerNorm.bias"},
};

bool is_hugging_face(const Metadata& metadata) {
  const std::string type = metadata.get_string("model_type", "");
  return (type == "bert" || type == "jina_bert") &&
         metadata.get_string("position_embedding_type", "") == "alibi";
}

void read_gguf(const EncoderSource& source, EncoderConfig& config) {
  read_bert_gguf_base(source, config);
  config.positions = EncoderPositions::kAlibi;
  config.activation = read_gguf_activation(source.metadata, config);
  const Tensor up = source.find("blk.0.ffn_up.weight");
  config.gated_mlp = source.has("blk.0.ffn_gate.weight") ||
                     (up.defined() && up.dim(0) % 2 == 0 && up.dim(0) / 2 == config.ffn_dim);
  config.gate_bias = config.gated_mlp && (source.has("blk.0.ffn_gate.bias") ||
                                          (config.up_bias && !source.has("blk.0.ffn_gate.weight")));
  config.query_key_norm = source.has("blk.0.attn_q_norm.weight");
  config.second_attention_norm = source.has("blk.0.attn_norm_2.weight");
}

void write_gguf(const EncoderConfig& config, Metadata& metadata) {
  write_bert_gguf_base(config, metadata);
  write_gguf_activation(config, metadata);
}

void read_hugging_face(const EncoderSource& source, EncoderConfig& config) {
  const Metadata& metadata = source.metadata;
  config.vocab_size = metadata.get_int("vocab_size");
  config.dim = metadata.get_int("hidden_size");
  config.layers = metadata.get_int("num_hidden_layers");
  config.heads = metadata.get_int("num_attention_heads");
  config.head_dim = config.heads > 0 ? config.dim / config.heads : 0;
  config.ffn_dim = metadata.get_int("intermediate_size");
  config.max_positions = metadata.get_int("max_position_embeddings");
  config.token_types = metadata.get_int("type_vocab_size", 2);
  config.norm_epsilon = static_cast<float>(metadata.get_float("layer_norm_eps", 1e-12));
  config.positions = EncoderPositions::kAlibi;
  const std::string type = metadata.get_string("feed_forward_type", "original");
  if (type == "geglu" || type == "reglu") {
    config.gated_mlp = true;
    config.activation = type == "geglu" ? Activation::kGeluErf : Activation::kRelu;
  } else if (type == "original") {
    config.activation =
        activation_from_name(metadata.get_string("hidden_act", "gelu"), metadata.where());
  } else {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "unknown feed_forward_type '" + type + "'", "known: original, geglu, reglu");
  }
  config.up_bias = !config.gated_mlp;
  config.query_key_norm = source.has("encoder.layer.0.attention.self.layer_norm_q.weight");
  config.second_attention_norm = source.has("encoder.layer.0.layer_norm_1.weight");
  config.embedding_norm = true;
  config.qkv_bias = config.output_bias = config.down_bias = true;
}

}  // namespace

const EncoderFamily kJinaBertFamily = {
    "jina-bert-v2",    is_hugging_face, kBertGgufRules, kHuggingFaceRules, read_gguf,
    read_hugging_face, nullptr,         nullptr,        write_gguf,
};

}  // namespace onmal
