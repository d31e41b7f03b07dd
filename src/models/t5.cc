#include "models/t5.h"

#include <cmath>

#include "base/error.h"
#include "models/activation_name.h"

namespace onmal {
namespace {

// Nothing but memory bounds a text: distances beyond the last bucket share it.
constexpr int64_t kMostPositions = int64_t{1} << 20;
constexpr int64_t kRelativeDistance = 128;  // GGUF files do not say; llama.cpp takes this

constexpr int64_t kContextLength = 512;  // what llama.cpp's files say where a folder does not

constexpr EncoderRule kGgufRules[] = {
    {"embedding.weight", "token_embd.weight"},
    {"encoder.layers.{}.relative_bias.weight", "enc.blk.{}.attn_rel_b.weight"},
    {"encoder.layers.{}.attention_norm.weight", "enc.blk.{}.attn_norm.weight"},
    {"encoder.layers.{}.query.weight", "enc.blk.{}.attn_q.weight"},
    {"encoder.layers.{}.key.weight", "enc.blk.{}.attn_k.weight"},
    {"encoder.layers.{}.value.weight", "enc.blk.{}.attn_v.weight"},
    {"encoder.layers.{}.output.weight", "enc.blk.{}.attn_o.weight"},
    {"encoder.layers.{}.mlp_norm.weight", "enc.blk.{}.ffn_norm.weight"},
    {"encoder.layers.{}.gate.weight", "enc.blk.{}.ffn_gate.weight"},
    {"encoder.layers.{}.up.weight", "enc.blk.{}.ffn_up.weight"},
    {"encoder.layers.{}.down.weight", "enc.blk.{}.ffn_down.weight"},
    {"encoder.final_norm.weight", "enc.output_norm.weight"},
    {"decoder.layers.{}.relative_bias.weight", "dec.blk.{}.attn_rel_b.weight"},
    {"decoder.layers.{}.attention_norm.weight", "dec.blk.{}.attn_norm.weight"},
    {"decoder.layers.{}.query.weight", "dec.blk.{}.attn_q.weight"},
    {"decoder.layers.{}.key.weight", "dec.blk.{}.attn_k.weight"},
    {"decoder.layers.{}.value.weight", "dec.blk.{}.attn_v.weight"},
    {"decoder.layers.{}.output.weight", "dec.blk.{}.attn_o.weight"},
    {"decoder.layers.{}.cross_norm.weight", "dec.blk.{}.cross_attn_norm.weight"},
    {"decoder.layers.{}.cross_query.weight", "dec.blk.{}.cross_attn_q.weight"},
    {"decoder.layers.{}.cross_key.weight", "dec.blk.{}.cross_attn_k.weight"},
    {"decoder.layers.{}.cross_value.weight", "dec.blk.{}.cross_attn_v.weight"},
    {"decoder.layers.{}.cross_output.weight", "dec.blk.{}.cross_attn_o.weight"},
    {"decoder.layers.{}.mlp_norm.weight", "dec.blk.{}.ffn_norm.weight"},
    {"decoder.layers.{}.gate.weight", "dec.blk.{}.ffn_gate.weight"},
    {"decoder.layers.{}.up.weight", "dec.blk.{}.ffn_up.weight"},
    {"decoder.layers.{}.down.weight", "dec.blk.{}.ffn_down.weight"},
    {"decoder.final_norm.weight", "dec.output_norm.weight"},
    {"head.weight", "output.weight"},
};

// The gated MLP calls its gate wi_0 and the other map wi_1; the plain one has wi alone.
constexpr EncoderRule kHuggingFaceRules[] = {
    {"embedding.weight", "shared.weight"},
    {"embedding.weight", "encoder.embed_tokens.weight"},
    {"embedding.weight", "decoder.embed_tokens.weight"},
    {"encoder.layers.{}.relative_bias.weight",
     "encoder.block.{}.layer.0.SelfAttention.relative_attention_bias.weight"},
    {"encoder.layers.{}.attention_norm.weight", "encoder.block.{}.layer.0.layer_norm.weight"},
    {"encoder.layers.{}.query.weight", "encoder.block.{}.layer.0.SelfAttention.q.weight"},
    {"encoder.layers.{}.key.weight", "encoder.block.{}.layer.0.SelfAttention.k.weight"},
    {"encoder.layers.{}.value.weight", "encoder.block.{}.layer.0.SelfAttention.v.weight"},
    {"encoder.layers.{}.output.weight", "encoder.block.{}.layer.0.SelfAttention.o.weight"},
    {"encoder.layers.{}.mlp_norm.weight", "encoder.block.{}.layer.1.layer_norm.weight"},
    {"encoder.layers.{}.gate.weight", "encoder.block.{}.layer.1.DenseReluDense.wi_0.weight"},
    {"encoder.layers.{}.up.weight", "encoder.block.{}.layer.1.DenseReluDense.wi_1.weight"},
    {"encoder.layers.{}.up.weight", "encoder.block.{}.layer.1.DenseReluDense.wi.weight"},
    {"encoder.layers.{}.down.weight", "encoder.block.{}.layer.1.DenseReluDense.wo.weight"},
    {"encoder.final_norm.weight", "encoder.final_layer_norm.weight"},
    {"decoder.layers.{}.relative_bias.weight",
     "decoder.block.{}.layer.0.SelfAttention.relative_attention_bias.weight"},
    {"decoder.layers.{}.attention_norm.weight", "decoder.block.{}.layer.0.layer_norm.weight"},
    {"decoder.layers.{}.query.weight", "decoder.block.{}.layer.0.SelfAttention.q.weight"},
    {"decoder.layers.{}.key.weight", "decoder.block.{}.layer.0.SelfAttention.k.weight"},
    {"decoder.layers.{}.value.weight", "decoder.block.{}.layer.0.SelfAttention.v.weight"},
    {"decoder.layers.{}.output.weight", "decoder.block.{}.layer.0.SelfAttention.o.weight"},
    {"decoder.layers.{}.cross_norm.weight", "decoder.block.{}.layer.1.layer_norm.weight"},
    {"decoder.layers.{}.cross_query.weight", "decoder.block.{}.layer.1.EncDecAttention.q.weight"},
    {"decoder.layers.{}.cross_key.weight", "decoder.block.{}.layer.1.EncDecAttention.k.weight"},
    {"decoder.layers.{}.cross_value.weight", "decoder.block.{}.layer.1.EncDecAttention.v.weight"},
    {"decoder.layers.{}.cross_output.weight", "decoder.block.{}.layer.1.EncDecAttention.o.weight"},
    {"decoder.layers.{}.mlp_norm.weight", "decoder.block.{}.layer.2.layer_norm.weight"},
    {"decoder.layers.{}.gate.weight", "decoder.block.{}.layer.2.DenseReluDense.wi_0.weight"},
    {"decoder.layers.{}.up.weight", "decoder.block.{}.layer.2.DenseReluDense.wi_1.weight"},
    {"decoder.layers.{}.up.weight", "decoder.block.{}.layer.2.DenseReluDense.wi.weight"},
    {"decoder.layers.{}.down.weight", "decoder.block.{}.layer.2.DenseReluDense.wo.weight"},
    {"decoder.final_norm.weight", "decoder.final_layer_norm.weight"},
    {"head.weight", "lm_head.weight"},
};

bool is_t5(const Metadata& metadata) {
  const std::string type = metadata.get_string("model_type", "");
  return type == "t5" || type == "mt5" || type == "umt5";
}

// T5EncoderModel saves no decoder; its configuration may still speak of one.
bool is_encoder_alone(const Metadata& metadata) {
  if (!metadata.contains("architectures")) return false;
  const std::span<const std::string> names = metadata.get_strings("architectures");
  return !names.empty() && names[0].find("EncoderModel") != std::string::npos;
}

bool is_hugging_face_pair(const Metadata& metadata) {
  return is_t5(metadata) && !is_encoder_alone(metadata);
}

bool is_hugging_face_encoder(const Metadata& metadata) {
  return is_t5(metadata) && is_encoder_alone(metadata);
}

// What every T5 has in common. Scores are not scaled: the weights were initialised for that.
void set_family(EncoderConfig& config) {
  config.norm = NormKind::kRms;
  config.norm_first = true;
  config.final_norm = true;
  config.positions = EncoderPositions::kRelativeBias;
  config.attention_scale = 1.0F;
  config.max_positions = kMostPositions;
}

EncoderConfig decoder_half(const EncoderConfig& encoder) {
  EncoderConfig decoder = encoder;
  decoder.causal = true;
  decoder.cross_attention = true;
  return decoder;
}

void read_gguf_encoder(const EncoderSource& source, EncoderConfig& config) {
  const Metadata& metadata = source.metadata;
  const std::string prefix = config.architecture + ".";
  const Tensor table = source.find("token_embd.weight");
  config.vocab_size = table.defined() && table.shape().rank() == 2 ? table.dim(0) : 0;
  config.dim = metadata.get_int(prefix + "embedding_length");
  config.layers = metadata.get_int(prefix + "block_count");
  config.ffn_dim = metadata.get_int(prefix + "feed_forward_length");
  config.heads = metadata.get_int(prefix + "attention.head_count");
  const int64_t even_share = config.heads > 0 ? config.dim / config.heads : 0;
  config.head_dim = metadata.get_int(prefix + "attention.key_length", even_share);
  config.norm_epsilon =
      static_cast<float>(metadata.get_float(prefix + "attention.layer_norm_rms_epsilon"));
  config.relative_buckets = metadata.get_int(prefix + "attention.relative_buckets_count");
  config.relative_distance = kRelativeDistance;
  config.relative_every_layer = config.layers > 1 && source.has("enc.blk.1.attn_rel_b.weight");
  config.gated_mlp = source.has("enc.blk.0.ffn_gate.weight");
  config.activation = config.gated_mlp ? Activation::kGeluTanh : Activation::kRelu;
  set_family(config);
}

void read_gguf(const EncoderSource& source, EncoderDecoderConfig& config) {
  const Metadata& metadata = source.metadata;
  const std::string prefix = config.encoder.architecture + ".";
  read_gguf_encoder(source, config.encoder);
  config.decoder = decoder_half(config.encoder);
  config.decoder.layers = metadata.get_int(prefix + "decoder_block_count", config.encoder.layers);
  config.decoder.relative_every_layer =
      config.decoder.layers > 1 && source.has("dec.blk.1.attn_rel_b.weight");
  config.tied_head = !source.has("output.weight");
  if (config.tied_head)
    config.head_scale = 1.0F / std::sqrt(static_cast<float>(config.encoder.dim));
  config.start_id =
      token_id(metadata.get_int(prefix + "decoder_start_token_id", 0), metadata.where());
  config.end_ids = {token_id(metadata.get_int("tokenizer.ggml.eos_token_id", 1), metadata.where())};
}

void write_gguf_encoder(const EncoderConfig& config, Metadata& metadata) {
  const Activation usual = config.gated_mlp ? Activation::kGeluTanh : Activation::kRelu;
  if (config.activation != usual) {
    throw Error(
        ErrorCode::kUnsupported, metadata.where(),
        "GGUF files of T5 are computed with gated gelu or relu, this model's activation is " +
            std::string(activation_name(config.activation)),
        "keep the Hugging Face folder");
  }
  if (config.relative_distance != kRelativeDistance) {
    throw Error(ErrorCode::kUnsupported, metadata.where(),
                "GGUF files of T5 cannot say a relative_attention_max_distance of " +
                    std::to_string(config.relative_distance),
                "keep the Hugging Face folder");
  }
  const std::string prefix = config.architecture + ".";
  metadata.set(prefix + "context_length", kContextLength);
  metadata.set(prefix + "embedding_length", config.dim);
  metadata.set(prefix + "feed_forward_length", config.ffn_dim);
  metadata.set(prefix + "block_count", config.layers);
  metadata.set(prefix + "attention.head_count", config.heads);
  metadata.set(prefix + "attention.key_length", config.head_dim);
  metadata.set(prefix + "attention.value_length", config.head_dim);
  metadata.set(prefix + "attention.layer_norm_epsilon", static_cast<double>(config.norm_epsilon));
  metadata.set(prefix + "attention.relative_buckets_count", config.relative_buckets);
  metadata.set(prefix + "attention.layer_norm_rms_epsilon",
               static_cast<double>(config.norm_epsilon));
}

void write_gguf(const EncoderDecoderConfig& config, Metadata& metadata) {
  EncoderConfig half = config.encoder;
  half.architecture = kT5Family.gguf_name;  // mT5 and umT5 have no name of their own
  write_gguf_encoder(half, metadata);
  metadata.set("t5.decoder_block_count", config.decoder.layers);
  metadata.set("t5.decoder_start_token_id", int64_t{config.start_id});
}

void read_feed_forward(const Metadata& metadata, EncoderConfig& config) {
  const std::string name = metadata.get_string("feed_forward_proj", "relu");
  constexpr std::string_view kGated = "gated-";
  config.gated_mlp = name.starts_with(kGated);
  const std::string f = config.gated_mlp ? name.substr(kGated.size()) : name;
  // "gated-gelu" has always meant the tanh form.
  config.activation = config.gated_mlp && f == "gelu" ? Activation::kGeluTanh
                                                      : activation_from_name(f, metadata.where());
}

void read_hugging_face_encoder(const EncoderSource& source, EncoderConfig& config) {
  const Metadata& metadata = source.metadata;
  config.vocab_size = metadata.get_int("vocab_size");
  config.dim = metadata.get_int("d_model");
  config.layers = metadata.get_int("num_layers");
  config.ffn_dim = metadata.get_int("d_ff");
  config.heads = metadata.get_int("num_heads");
  config.head_dim = metadata.get_int("d_kv");
  config.norm_epsilon = static_cast<float>(metadata.get_float("layer_norm_epsilon", 1e-6));
  config.relative_buckets = metadata.get_int("relative_attention_num_buckets", 32);
  config.relative_distance = metadata.get_int("relative_attention_max_distance", 128);
  config.relative_every_layer = metadata.get_string("model_type") == "umt5";
  read_feed_forward(metadata, config);
  set_family(config);
}

void read_hugging_face(const EncoderSource& source, EncoderDecoderConfig& config) {
  const Metadata& metadata = source.metadata;
  read_hugging_face_encoder(source, config.encoder);
  config.decoder = decoder_half(config.encoder);
  config.decoder.layers = metadata.get_int("num_decoder_layers", config.encoder.layers);
  config.tied_head = metadata.get_bool("tie_word_embeddings", true);
  if (config.tied_head)
    config.head_scale = 1.0F / std::sqrt(static_cast<float>(config.encoder.dim));
  config.start_id =
      token_id(metadata.get_int("decoder_start_token_id", metadata.get_int("pad_token_id", 0)),
               metadata.where());
}

void write_hugging_face(const EncoderDecoderConfig& config, Metadata& metadata) {
  const EncoderConfig& half = config.encoder;
  const std::string type = half.relative_every_layer ? "umt5" : "t5";
  metadata.set("architectures",
               std::vector<std::string>{half.relative_every_layer ? "UMT5ForConditionalGeneration"
                                                                  : "T5ForConditionalGeneration"});
  metadata.set("model_type", type);
  metadata.set("is_encoder_decoder", true);
  metadata.set("vocab_size", half.vocab_size);
  metadata.set("d_model", half.dim);
  metadata.set("num_layers", half.layers);
  metadata.set("num_decoder_layers", config.decoder.layers);
  metadata.set("d_ff", half.ffn_dim);
  metadata.set("num_heads", half.heads);
  metadata.set("d_kv", half.head_dim);
  metadata.set("layer_norm_epsilon", static_cast<double>(half.norm_epsilon));
  metadata.set("relative_attention_num_buckets", half.relative_buckets);
  metadata.set("relative_attention_max_distance", half.relative_distance);
  const bool tanh = half.activation == Activation::kGeluTanh;
  metadata.set(
      "feed_forward_proj",
      (half.gated_mlp ? std::string("gated-") : std::string()) +
          (half.gated_mlp && tanh ? "gelu" : std::string(activation_name(half.activation))));
  metadata.set("tie_word_embeddings", config.tied_head);
}

bool writes(const EncoderDecoderConfig& config, std::string_view theirs) {
  if (theirs.ends_with(".wi.weight")) return !config.encoder.gated_mlp;
  return config.encoder.gated_mlp || !theirs.ends_with(".wi_1.weight");
}

}  // namespace

const EncoderDecoderFamily kT5Family = {
    "t5",       is_hugging_face_pair, kGgufRules,         kHuggingFaceRules,
    read_gguf,  read_hugging_face,    write_hugging_face, writes,
    write_gguf,
};

const EncoderFamily kT5EncoderFamily = {
    "t5encoder",        is_hugging_face_encoder,   kGgufRules, kHuggingFaceRules,
    read_gguf_encoder,  read_hugging_face_encoder, nullptr,    nullptr,
    write_gguf_encoder,
};

}  // namespace onmal
