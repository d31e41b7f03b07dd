#include <cmath>

#include "models/activation_name.h"
#include "models/families.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

constexpr int64_t kGemma2Period = 2;
constexpr int64_t kGemma3Period = 6;
constexpr float kNormOffset = 1.0F;  // norms multiply by 1 + weight

void set_gemma(DecoderConfig& config) {
  config.activation = Activation::kGeluTanh;
  config.tied_head = true;
}

void set_gemma2(DecoderConfig& config) {
  set_gemma(config);
  config.norm_placement = NormPlacement::kBoth;
  config.window = 4096;
  config.attention_softcap = 50.0F;
  config.logit_softcap = 30.0F;
}

void set_gemma3(DecoderConfig& config) {
  set_gemma(config);
  config.norm_placement = NormPlacement::kBoth;
  config.qk_norm = QkNorm::kHead;
  config.local_rope_theta = 10000.0;
}

void scale_embedding(DecoderConfig& config) {
  config.embedding_scale = std::sqrt(static_cast<float>(config.dim));
}

// llama.cpp's files do not say that the 27B models scale by dim / heads; their depth does.
void scale_attention(DecoderConfig& config, int64_t layers_of_27b) {
  if (config.attention_scale > 0.0F || config.layers != layers_of_27b || config.heads < 1) return;
  config.attention_scale = 1.0F / std::sqrt(static_cast<float>(config.dim / config.heads));
}

void read_gguf(const Metadata&, FindTensor, DecoderConfig& config) { scale_embedding(config); }

void read_gguf2(const Metadata& metadata, FindTensor, DecoderConfig& config) {
  scale_embedding(config);
  scale_attention(config, 46);
  if (!metadata.contains("gemma2.attention.sliding_window_pattern"))
    config.local_layers = periodic_layers(config.layers, kGemma2Period);
}

void read_gguf3(const Metadata& metadata, FindTensor, DecoderConfig& config) {
  scale_embedding(config);
  scale_attention(config, 62);
  if (config.window > 0 && !metadata.contains("gemma3.attention.sliding_window_pattern"))
    config.local_layers = periodic_layers(config.layers, kGemma3Period);
}

// A cap of 0 must be said: files without the key have the usual one.
void write_gguf2(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("gemma2.attn_logit_softcapping", static_cast<double>(config.attention_softcap));
  metadata.set("gemma2.final_logit_softcapping", static_cast<double>(config.logit_softcap));
  metadata.set("gemma2.attention.sliding_window", config.window);
}

// "hidden_act" of the oldest files says "gelu" and means its tanh form.
void read_first(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  config.activation = activation_of(metadata.get_string("hidden_activation", "gelu_pytorch_tanh"),
                                    metadata.where() + ": hidden_activation");
  scale_embedding(config);
}

void write_first(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
  metadata.set("hidden_activation", std::string(activation_name(config.activation)));
}

void read_scales(const Metadata& metadata, DecoderConfig& config) {
  scale_embedding(config);
  const double scalar = metadata.get_float("query_pre_attn_scalar", 256.0);
  if (!(scalar > 0.0)) refuse_key(metadata, "query_pre_attn_scalar", "must be positive");
  config.attention_scale = static_cast<float>(1.0 / std::sqrt(scalar));
}

void write_scales(const DecoderConfig& config, Metadata& metadata) {
  const auto scale = static_cast<double>(config.attention_scale);
  metadata.set("query_pre_attn_scalar",
               scale > 0.0 ? 1.0 / (scale * scale) : static_cast<double>(config.head_dim));
  const auto cap = [&](const char* key, float value) {
    if (value > 0.0F) metadata.set(key, static_cast<double>(value));
  };
  metadata.set("attention_bias", config.qkv_bias);
  cap("attn_logit_softcapping", config.attention_softcap);
  cap("final_logit_softcapping", config.logit_softcap);
  write_window(config, metadata);
}

bool even_local(int64_t layer, int64_t) { return layer % 2 == 0; }

// A missing cap is one of null: Hugging Face writes out all keys, and the absent ones are off.
void read_second(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  read_scales(metadata, config);
  config.attention_softcap = read_single(metadata, "attn_logit_softcapping", 0.0);
  config.logit_softcap = read_single(metadata, "final_logit_softcapping", 0.0);
  read_window(metadata, config, true, even_local, 0);
}

void read_third(const Metadata& metadata, DecoderConfig& config) {
  read_second(metadata, config);
  config.local_rope_theta = metadata.get_float("rope_parameters.sliding_attention.rope_theta",
                                               metadata.get_float("rope_local_base_freq", 10000.0));
  read_window(metadata, config, true, local_but_last_of_period,
              metadata.get_int("sliding_window_pattern",
                               metadata.get_int("_sliding_window_pattern", kGemma3Period)));
  if (metadata.get_bool("use_bidirectional_attention", false))
    refuse_key(metadata, "use_bidirectional_attention", "is not supported");
}

void write_third(const DecoderConfig& config, Metadata& metadata) {
  write_scales(config, metadata);
  metadata.set("rope_local_base_freq", config.local_rope_theta.value_or(config.rope_theta));
}

}  // namespace

const Architecture kGemmaArchitecture = {
    .name = "gemma",
    .gguf_name = "gemma",
    .model_type = "gemma",
    .hugging_face_class = "GemmaForCausalLM",
    .keys = {.default_vocab_size = 256000,
             .default_head_dim = 256,
             .default_max_positions = 8192,
             .default_activation = "gelu_pytorch_tanh",
             .default_tied_head = true},
    .norm_offset = kNormOffset,
    .set_family = set_gemma,
    .read_gguf = read_gguf,
    .read_hugging_face = read_first,
    .write_hugging_face = write_first,
};

const Architecture kGemma2Architecture = {
    .name = "gemma2",
    .gguf_name = "gemma2",
    .model_type = "gemma2",
    .hugging_face_class = "Gemma2ForCausalLM",
    .keys = {.activation = "hidden_activation",
             .default_vocab_size = 256000,
             .default_heads = 8,
             .default_kv_heads = 4,
             .default_head_dim = 256,
             .default_max_positions = 8192,
             .default_activation = "gelu_pytorch_tanh",
             .default_tied_head = true},
    .norm_offset = kNormOffset,
    .set_family = set_gemma2,
    .read_gguf = read_gguf2,
    .write_gguf = write_gguf2,
    .read_hugging_face = read_second,
    .write_hugging_face = write_scales,
};

const Architecture kGemma3Architecture = {
    .name = "gemma3",
    .gguf_name = "gemma3",
    .model_type = "gemma3_text",
    .hugging_face_class = "Gemma3ForCausalLM",
    .keys = {.activation = "hidden_activation",
             .default_vocab_size = 262208,
             .default_heads = 8,
             .default_kv_heads = 4,
             .default_head_dim = 256,
             .default_rope_theta = 1e6,
             .default_max_positions = 131072,
             .default_activation = "gelu_pytorch_tanh",
             .default_tied_head = true},
    .norm_offset = kNormOffset,
    .set_family = set_gemma3,
    .read_gguf = read_gguf3,
    .read_hugging_face = read_third,
    .write_hugging_face = write_third,
};

}  // namespace onmal
