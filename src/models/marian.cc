#include "models/marian.h"

#include <cmath>

#include "base/error.h"
#include "models/activation_name.h"

namespace onmal {
namespace {

constexpr EncoderRule kHuggingFaceRules[] = {
    {"embedding.weight", "model.shared.weight"},
    {"embedding.weight", "model.encoder.embed_tokens.weight"},
    {"embedding.weight", "model.decoder.embed_tokens.weight"},
    {"embedding.weight", "lm_head.weight"},
    {"decoder_embedding.weight", "model.decoder.embed_tokens.weight"},
    {"decoder_embedding.weight", "lm_head.weight"},
    {"encoder.embedding_norm.weight", "model.encoder.layernorm_embedding.weight"},
    {"encoder.embedding_norm.bias", "model.encoder.layernorm_embedding.bias"},
    {"encoder.layers.{}.query.weight", "model.encoder.layers.{}.self_attn.q_proj.weight"},
    {"encoder.layers.{}.query.bias", "model.encoder.layers.{}.self_attn.q_proj.bias"},
    {"encoder.layers.{}.key.weight", "model.encoder.layers.{}.self_attn.k_proj.weight"},
    {"encoder.layers.{}.key.bias", "model.encoder.layers.{}.self_attn.k_proj.bias"},
    {"encoder.layers.{}.value.weight", "model.encoder.layers.{}.self_attn.v_proj.weight"},
    {"encoder.layers.{}.value.bias", "model.encoder.layers.{}.self_attn.v_proj.bias"},
    {"encoder.layers.{}.output.weight", "model.encoder.layers.{}.self_attn.out_proj.weight"},
    {"encoder.layers.{}.output.bias", "model.encoder.layers.{}.self_attn.out_proj.bias"},
    {"encoder.layers.{}.attention_norm.weight",
     "model.encoder.layers.{}.self_attn_layer_norm.weight"},
    {"encoder.layers.{}.attention_norm.bias", "model.encoder.layers.{}.self_attn_layer_norm.bias"},
    {"encoder.layers.{}.up.weight", "model.encoder.layers.{}.fc1.weight"},
    {"encoder.layers.{}.up.bias", "model.encoder.layers.{}.fc1.bias"},
    {"encoder.layers.{}.down.weight", "model.encoder.layers.{}.fc2.weight"},
    {"encoder.layers.{}.down.bias", "model.encoder.layers.{}.fc2.bias"},
    {"encoder.layers.{}.mlp_norm.weight", "model.encoder.layers.{}.final_layer_norm.weight"},
    {"encoder.layers.{}.mlp_norm.bias", "model.encoder.layers.{}.final_layer_norm.bias"},
    {"decoder.embedding_norm.weight", "model.decoder.layernorm_embedding.weight"},
    {"decoder.embedding_norm.bias", "model.decoder.layernorm_embedding.bias"},
    {"decoder.layers.{}.query.weight", "model.decoder.layers.{}.self_attn.q_proj.weight"},
    {"decoder.layers.{}.query.bias", "model.decoder.layers.{}.self_attn.q_proj.bias"},
    {"decoder.layers.{}.key.weight", "model.decoder.layers.{}.self_attn.k_proj.weight"},
    {"decoder.layers.{}.key.bias", "model.decoder.layers.{}.self_attn.k_proj.bias"},
    {"decoder.layers.{}.value.weight", "model.decoder.layers.{}.self_attn.v_proj.weight"},
    {"decoder.layers.{}.value.bias", "model.decoder.layers.{}.self_attn.v_proj.bias"},
    {"decoder.layers.{}.output.weight", "model.decoder.layers.{}.self_attn.out_proj.weight"},
    {"decoder.layers.{}.output.bias", "model.decoder.layers.{}.self_attn.out_proj.bias"},
    {"decoder.layers.{}.attention_norm.weight",
     "model.decoder.layers.{}.self_attn_layer_norm.weight"},
    {"decoder.layers.{}.attention_norm.bias", "model.decoder.layers.{}.self_attn_layer_norm.bias"},
    {"decoder.layers.{}.cross_query.weight", "model.decoder.layers.{}.encoder_attn.q_proj.weight"},
    {"decoder.layers.{}.cross_query.bias", "model.decoder.layers.{}.encoder_attn.q_proj.bias"},
    {"decoder.layers.{}.cross_key.weight", "model.decoder.layers.{}.encoder_attn.k_proj.weight"},
    {"decoder.layers.{}.cross_key.bias", "model.decoder.layers.{}.encoder_attn.k_proj.bias"},
    {"decoder.layers.{}.cross_value.weight", "model.decoder.layers.{}.encoder_attn.v_proj.weight"},
    {"decoder.layers.{}.cross_value.bias", "model.decoder.layers.{}.encoder_attn.v_proj.bias"},
    {"decoder.layers.{}.cross_output.weight",
     "model.decoder.layers.{}.encoder_attn.out_proj.weight"},
    {"decoder.layers.{}.cross_output.bias", "model.decoder.layers.{}.encoder_attn.out_proj.bias"},
    {"decoder.layers.{}.cross_norm.weight",
     "model.decoder.layers.{}.encoder_attn_layer_norm.weight"},
    {"decoder.layers.{}.cross_norm.bias", "model.decoder.layers.{}.encoder_attn_layer_norm.bias"},
    {"decoder.layers.{}.up.weight", "model.decoder.layers.{}.fc1.weight"},
    {"decoder.layers.{}.up.bias", "model.decoder.layers.{}.fc1.bias"},
    {"decoder.layers.{}.down.weight", "model.decoder.layers.{}.fc2.weight"},
    {"decoder.layers.{}.down.bias", "model.decoder.layers.{}.fc2.bias"},
    {"decoder.layers.{}.mlp_norm.weight", "model.decoder.layers.{}.final_layer_norm.weight"},
    {"decoder.layers.{}.mlp_norm.bias", "model.decoder.layers.{}.final_layer_norm.bias"},
    {"head.weight", "lm_head.weight"},
    {"head.bias", "final_logits_bias"},
};

bool is_hugging_face(const Metadata& metadata) {
  return metadata.get_string("model_type", "") == "marian";
}

void refuse(const Metadata& metadata, const char* flag, bool expected, bool fallback) {
  if (metadata.get_bool(flag, fallback) != expected) {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                std::string("'") + flag + "' is " + (expected ? "false" : "true") +
                    ", which is not known for marian");
  }
}

EncoderConfig read_half(const Metadata& metadata, const std::string& half) {
  EncoderConfig config;
  config.architecture = "marian";
  config.vocab_size = metadata.get_int("vocab_size");
  config.dim = metadata.get_int("d_model");
  config.layers = metadata.get_int(half + "_layers");
  config.heads = metadata.get_int(half + "_attention_heads");
  config.head_dim = config.heads > 0 ? config.dim / config.heads : 0;
  config.ffn_dim = metadata.get_int(half + "_ffn_dim");
  config.max_positions = metadata.get_int("max_position_embeddings");
  config.norm_epsilon = 1e-5F;
  config.positions = EncoderPositions::kSinusoidal;
  config.embedding_norm = metadata.get_bool("normalize_embedding", false);
  if (metadata.get_bool("scale_embedding", false))
    config.embedding_scale = std::sqrt(static_cast<float>(config.dim));
  config.activation =
      activation_from_name(metadata.get_string("activation_function", "gelu"), metadata.where());
  config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = true;
  return config;
}

// Sequences that may not be written; those of one token are what Marian's models need (padding).
std::vector<int32_t> forbidden(const Metadata& metadata) {
  std::vector<int32_t> ids;
  if (metadata.contains("bad_words_ids")) {
    for (const int64_t id : metadata.get_ints("bad_words_ids"))
      ids.push_back(token_id(id, metadata.where()));
  }
  for (int i = 0;; ++i) {
    const std::string key = "bad_words_ids[" + std::to_string(i) + "]";
    if (!metadata.contains(key)) return ids;
    const std::span<const int64_t> word = metadata.get_ints(key);
    if (word.size() == 1) ids.push_back(token_id(word[0], metadata.where()));
  }
}

void read_hugging_face(const EncoderSource& source, EncoderDecoderConfig& config) {
  const Metadata& metadata = source.metadata;
  refuse(metadata, "static_position_embeddings", true, true);
  refuse(metadata, "normalize_before", false, false);
  refuse(metadata, "add_final_layer_norm", false, false);
  config.encoder = read_half(metadata, "encoder");
  config.decoder = read_half(metadata, "decoder");
  config.decoder.causal = true;
  config.decoder.cross_attention = true;
  config.shared_embedding = metadata.get_bool("share_encoder_decoder_embeddings", true);
  config.decoder.vocab_size = metadata.get_int("decoder_vocab_size", config.encoder.vocab_size);
  config.tied_head = metadata.get_bool("tie_word_embeddings", true);
  config.head_bias = source.has("final_logits_bias");
  config.start_id = token_id(
      metadata.get_int(metadata.contains("decoder_start_token_id") ? "decoder_start_token_id"
                                                                   : "pad_token_id"),
      metadata.where());
  config.forbidden_ids = forbidden(metadata);
}

void write_half(const EncoderConfig& config, const std::string& half, Metadata& metadata) {
  metadata.set(half + "_layers", config.layers);
  metadata.set(half + "_attention_heads", config.heads);
  metadata.set(half + "_ffn_dim", config.ffn_dim);
}

void write_hugging_face(const EncoderDecoderConfig& config, Metadata& metadata) {
  const EncoderConfig& half = config.encoder;
  metadata.set("architectures", std::vector<std::string>{"MarianMTModel"});
  metadata.set("model_type", std::string("marian"));
  metadata.set("is_encoder_decoder", true);
  metadata.set("vocab_size", half.vocab_size);
  metadata.set("decoder_vocab_size", config.decoder.vocab_size);
  metadata.set("d_model", half.dim);
  write_half(half, "encoder", metadata);
  write_half(config.decoder, "decoder", metadata);
  metadata.set("max_position_embeddings", half.max_positions);
  metadata.set("normalize_embedding", half.embedding_norm);
  metadata.set("scale_embedding", half.embedding_scale != 1.0F);
  metadata.set("static_position_embeddings", true);
  metadata.set("activation_function", std::string(activation_name(half.activation)));
  metadata.set("share_encoder_decoder_embeddings", config.shared_embedding);
  metadata.set("tie_word_embeddings", config.tied_head);
  if (config.start_id >= 0) metadata.set("pad_token_id", int64_t{config.start_id});
}

}  // namespace

const EncoderDecoderFamily kMarianFamily = {
    "", is_hugging_face, {}, kHuggingFaceRules, nullptr, read_hugging_face, write_hugging_face,
};

}  // namespace onmal
