#include "models/bert.h"

#include <algorithm>

#include "base/error.h"
#include "models/activation_name.h"

namespace onmal {
namespace {

constexpr EncoderRule kGgufRules[] = {
    {"embedding.weight", "token_embd.weight"},
    {"position_embedding.weight", "position_embd.weight"},
    {"type_embedding.weight", "token_types.weight"},
    {"embedding_norm.weight", "token_embd_norm.weight"},
    {"embedding_norm.bias", "token_embd_norm.bias"},
    {"layers.{}.query.weight", "blk.{}.attn_q.weight"},
    {"layers.{}.query.weight", "blk.{}.attn_qkv.weight", 0, 3},
    {"layers.{}.query.bias", "blk.{}.attn_q.bias"},
    {"layers.{}.query.bias", "blk.{}.attn_qkv.bias", 0, 3},
    {"layers.{}.key.weight", "blk.{}.attn_k.weight"},
    {"layers.{}.key.weight", "blk.{}.attn_qkv.weight", 1, 3},
    {"layers.{}.key.bias", "blk.{}.attn_k.bias"},
    {"layers.{}.key.bias", "blk.{}.attn_qkv.bias", 1, 3},
    {"layers.{}.value.weight", "blk.{}.attn_v.weight"},
    {"layers.{}.value.weight", "blk.{}.attn_qkv.weight", 2, 3},
    {"layers.{}.value.bias", "blk.{}.attn_v.bias"},
    {"layers.{}.value.bias", "blk.{}.attn_qkv.bias", 2, 3},
    {"layers.{}.query_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"layers.{}.query_norm.bias", "blk.{}.attn_q_norm.bias"},
    {"layers.{}.key_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"layers.{}.key_norm.bias", "blk.{}.attn_k_norm.bias"},
    {"layers.{}.output.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.output.bias", "blk.{}.attn_output.bias"},
    {"layers.{}.attention_norm.weight", "blk.{}.attn_output_norm.weight"},
    {"layers.{}.attention_norm.bias", "blk.{}.attn_output_norm.bias"},
    {"layers.{}.second_attention_norm.weight", "blk.{}.attn_norm_2.weight"},
    {"layers.{}.second_attention_norm.bias", "blk.{}.attn_norm_2.bias"},
    {"layers.{}.gate.weight", "blk.{}.ffn_gate.weight"},
    {"layers.{}.gate.weight", "blk.{}.ffn_up.weight", 0, 2},
    {"layers.{}.gate.bias", "blk.{}.ffn_gate.bias"},
    {"layers.{}.gate.bias", "blk.{}.ffn_up.bias", 0, 2},
    {"layers.{}.up.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.up.weight", "blk.{}.ffn_up.weight", 1, 2},
    {"layers.{}.up.bias", "blk.{}.ffn_up.bias"},
    {"layers.{}.up.bias", "blk.{}.ffn_up.bias", 1, 2},
    {"layers.{}.down.weight", "blk.{}.ffn_down.weight"},
    {"layers.{}.down.bias", "blk.{}.ffn_down.bias"},
    {"layers.{}.mlp_norm.weight", "blk.{}.layer_output_norm.weight"},
    {"layers.{}.mlp_norm.bias", "blk.{}.layer_output_norm.bias"},
};

constexpr EncoderRule kHuggingFaceRules[] = {
    {"embedding.weight", "embeddings.word_embeddings.weight"},
    {"position_embedding.weight", "embeddings.position_embeddings.weight"},
    {"type_embedding.weight", "embeddings.token_type_embeddings.weight"},
    {"embedding_norm.weight", "embeddings.LayerNorm.weight"},
    {"embedding_norm.bias", "embeddings.LayerNorm.bias"},
    {"layers.{}.query.weight", "encoder.layer.{}.attention.self.query.weight"},
    {"layers.{}.query.bias", "encoder.layer.{}.attention.self.query.bias"},
    {"layers.{}.key.weight", "encoder.layer.{}.attention.self.key.weight"},
    {"layers.{}.key.bias", "encoder.layer.{}.attention.self.key.bias"},
    {"layers.{}.value.weight", "encoder.layer.{}.attention.self.value.weight"},
    {"layers.{}.value.bias", "encoder.layer.{}.attention.self.value.bias"},
    {"layers.{}.output.weight", "encoder.layer.{}.attention.output.dense.weight"},
    {"layers.{}.output.bias", "encoder.layer.{}.attention.output.dense.bias"},
    {"layers.{}.attention_norm.weight", "encoder.layer.{}.attention.output.LayerNorm.weight"},
    {"layers.{}.attention_norm.bias", "encoder.layer.{}.attention.output.LayerNorm.bias"},
    {"layers.{}.up.weight", "encoder.layer.{}.intermediate.dense.weight"},
    {"layers.{}.up.bias", "encoder.layer.{}.intermediate.dense.bias"},
    {"layers.{}.down.weight", "encoder.layer.{}.output.dense.weight"},
    {"layers.{}.down.bias", "encoder.layer.{}.output.dense.bias"},
    {"layers.{}.mlp_norm.weight", "encoder.layer.{}.output.LayerNorm.weight"},
    {"layers.{}.mlp_norm.bias", "encoder.layer.{}.output.LayerNorm.bias"},
};

// Of our own files: llama.cpp, which knows the key from other families, takes the tanh form always.
constexpr const char* kActivationKey = ".hidden_activation";

bool is_roberta(const std::string& type) {
  return type == "roberta" || type == "xlm-roberta" || type == "camembert";
}

bool is_hugging_face(const Metadata& metadata) {
  const std::string type = metadata.get_string("model_type", "");
  return type == "bert" || is_roberta(type);
}

void read_gguf(const EncoderSource& source, EncoderConfig& config) {
  read_bert_gguf_base(source, config);
  config.positions = EncoderPositions::kLearned;
  config.activation = read_gguf_activation(source.metadata, config);
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
  config.activation =
      activation_from_name(metadata.get_string("hidden_act", "gelu"), metadata.where());
  const std::string positions = metadata.get_string("position_embedding_type", "absolute");
  if (positions != "absolute") {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "unknown position_embedding_type '" + positions + "'", "known: absolute, alibi");
  }
  if (is_roberta(metadata.get_string("model_type"))) {
    config.position_offset = token_id(metadata.get_int("pad_token_id", 1), metadata.where()) + 1;
    config.max_positions = std::max<int64_t>(config.max_positions, 0) - config.position_offset;
  }
  config.embedding_norm = true;
  config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = true;
}

void write_hugging_face(const EncoderConfig& config, Metadata& metadata) {
  const bool roberta = config.position_offset > 0;
  metadata.set("architectures", std::vector<std::string>{roberta ? "RobertaModel" : "BertModel"});
  metadata.set("model_type", std::string(roberta ? "roberta" : "bert"));
  metadata.set("vocab_size", config.vocab_size);
  metadata.set("hidden_size", config.dim);
  metadata.set("num_hidden_layers", config.layers);
  metadata.set("num_attention_heads", config.heads);
  metadata.set("intermediate_size", config.ffn_dim);
  metadata.set("max_position_embeddings", config.max_positions + config.position_offset);
  metadata.set("type_vocab_size", config.token_types);
  metadata.set("layer_norm_eps", static_cast<double>(config.norm_epsilon));
  metadata.set("hidden_act", std::string(activation_name(config.activation)));
  metadata.set("position_embedding_type", std::string("absolute"));
  if (roberta) metadata.set("pad_token_id", config.position_offset - 1);
}

std::string hugging_face_prefix(const EncoderConfig& config) {
  return config.position_offset > 0 ? "roberta." : "bert.";
}

int64_t pooling_to_gguf(Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return 1;
    case Pooling::kCls:
      return 2;
    case Pooling::kLast:
      return 3;
    case Pooling::kNone:
      break;
  }
  return 0;
}

Pooling pooling_from_gguf(int64_t number, const std::string& where) {
  switch (number) {
    case 0:
      return Pooling::kNone;
    case 1:
      return Pooling::kMean;
    case 2:
      return Pooling::kCls;
    case 3:
      return Pooling::kLast;
    case 4:  // "rank": a head stands upon the first token
      return Pooling::kCls;
    default:
      throw Error(ErrorCode::kUnsupported, where, "unknown pooling_type " + std::to_string(number),
                  "known ones: 0 none, 1 mean, 2 cls, 3 last, 4 rank");
  }
}

}  // namespace

constinit const std::span<const EncoderRule> kBertGgufRules = kGgufRules;

void read_bert_gguf_base(const EncoderSource& source, EncoderConfig& config) {
  const Metadata& metadata = source.metadata;
  const std::string prefix = config.architecture + ".";
  const Tensor table = source.find("token_embd.weight");
  config.vocab_size = table.defined() && table.shape().rank() == 2 ? table.dim(0) : 0;
  config.dim = metadata.get_int(prefix + "embedding_length");
  config.layers = metadata.get_int(prefix + "block_count");
  config.ffn_dim = metadata.get_int(prefix + "feed_forward_length");
  config.heads = metadata.get_int(prefix + "attention.head_count");
  config.head_dim = config.heads > 0 ? config.dim / config.heads : 0;
  config.max_positions = metadata.get_int(prefix + "context_length");
  config.norm_epsilon =
      static_cast<float>(metadata.get_float(prefix + "attention.layer_norm_epsilon"));
  config.pooling =
      pooling_from_gguf(metadata.get_int(prefix + "pooling_type", 0), metadata.where());
  const Tensor types = source.find("token_types.weight");
  config.token_types = types.defined() && types.shape().rank() == 2 ? types.dim(0) : 0;
  config.embedding_norm = true;
  config.qkv_bias = source.has("blk.0.attn_q.bias") || source.has("blk.0.attn_qkv.bias");
  config.output_bias = source.has("blk.0.attn_output.bias");
  config.up_bias = source.has("blk.0.ffn_up.bias");
  config.down_bias = source.has("blk.0.ffn_down.bias");
}

void write_bert_gguf_base(const EncoderConfig& config, Metadata& metadata) {
  const std::string prefix = config.architecture + ".";
  if (config.token_types < 1) {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "GGUF files of '" + config.architecture + "' need a table of token types");
  }
  metadata.set(prefix + "context_length", config.max_positions);
  metadata.set(prefix + "embedding_length", config.dim);
  metadata.set(prefix + "feed_forward_length", config.ffn_dim);
  metadata.set(prefix + "block_count", config.layers);
  metadata.set(prefix + "attention.head_count", config.heads);
  metadata.set(prefix + "attention.layer_norm_epsilon", static_cast<double>(config.norm_epsilon));
  metadata.set(prefix + "attention.causal", false);
  metadata.set("tokenizer.ggml.token_type_count", config.token_types);
  if (config.pooling != Pooling::kNone)
    metadata.set(prefix + "pooling_type", pooling_to_gguf(config.pooling));
}

Activation read_gguf_activation(const Metadata& metadata, const EncoderConfig& config) {
  const std::string key = config.architecture + kActivationKey;
  if (!metadata.contains(key)) return Activation::kGeluTanh;  // as llama.cpp computes these files
  return activation_from_name(metadata.get_string(key), metadata.where());
}

void write_gguf_activation(const EncoderConfig& config, Metadata& metadata) {
  const bool gelu =
      config.activation == Activation::kGeluTanh || config.activation == Activation::kGeluErf;
  if (!gelu) {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "GGUF files of '" + config.architecture +
                    "' are computed with gelu, this model's " + "activation is " +
                    std::string(activation_name(config.activation)),
                "keep the Hugging Face folder");
  }
  metadata.set(config.architecture + kActivationKey,
               std::string(activation_name(config.activation)));
}

const EncoderFamily kBertFamily = {
    "bert",     is_hugging_face,   kGgufRules,         kHuggingFaceRules,
    read_gguf,  read_hugging_face, write_hugging_face, hugging_face_prefix,
    write_gguf,
};

}  // namespace onmal
