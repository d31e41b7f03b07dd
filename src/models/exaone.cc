#include <string>

#include "models/families.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

constexpr int64_t kPeriod = 4;  // of EXAONE 4: three layers with a window, one without

constexpr WeightRule kExaoneRules[] = {
    {"embedding.weight", "transformer.wte.weight"},
    {"layers.{}.attention_norm.weight", "transformer.h.{}.ln_1.weight"},
    {"layers.{}.query.weight", "transformer.h.{}.attn.attention.q_proj.weight"},
    {"layers.{}.key.weight", "transformer.h.{}.attn.attention.k_proj.weight"},
    {"layers.{}.value.weight", "transformer.h.{}.attn.attention.v_proj.weight"},
    {"layers.{}.output.weight", "transformer.h.{}.attn.attention.out_proj.weight"},
    {"layers.{}.mlp_norm.weight", "transformer.h.{}.ln_2.weight"},
    {"layers.{}.gate.weight", "transformer.h.{}.mlp.c_fc_0.weight"},
    {"layers.{}.up.weight", "transformer.h.{}.mlp.c_fc_1.weight"},
    {"layers.{}.down.weight", "transformer.h.{}.mlp.c_proj.weight"},
    {"final_norm.weight", "transformer.ln_f.weight"},
};

void set_exaone(DecoderConfig&) {}

void set_exaone4(DecoderConfig& config) {
  config.norm_placement = NormPlacement::kAfter;
  config.qk_norm = QkNorm::kHead;
}

// With layers of both kinds, those that see everything do not rotate.
void settle_rotation(DecoderConfig& config) { config.global_rope = config.window == 0; }

void read_gguf4(const Metadata& metadata, FindTensor, DecoderConfig& config) {
  constexpr int64_t kLayersOf32b = 64;  // whose first files leave out the window
  if (config.layers == kLayersOf32b && config.window == 0) config.window = 4096;
  if (config.window > 0 && !metadata.contains("exaone4.attention.sliding_window_pattern"))
    config.local_layers = periodic_layers(config.layers, kPeriod);
  settle_rotation(config);
}

// The pattern is a number, or letters: "LLLG" is local, local, local, global.
void read_hugging_face4(const Metadata& metadata, DecoderConfig& config) {
  int64_t period = kPeriod;
  if (const MetadataValue* pattern = metadata.find("sliding_window_pattern"); pattern != nullptr) {
    const auto* letters = std::get_if<std::string>(pattern);
    period = letters == nullptr ? metadata.get_int("sliding_window_pattern")
                                : static_cast<int64_t>(letters->size());
    const bool usual =
        letters == nullptr ||
        *letters == std::string(letters->empty() ? 0 : letters->size() - 1, 'L') + "G";
    if (!usual && !metadata.contains("layer_types"))
      refuse_key(metadata, "sliding_window_pattern", "is not of the form LLLG");
  }
  read_window(metadata, config, true, local_but_last_of_period, period);
  settle_rotation(config);
}

}  // namespace

const Architecture kExaoneArchitecture = {
    .name = "exaone",
    .gguf_name = "exaone",
    .model_type = "exaone",
    .hugging_face_class = "ExaoneForCausalLM",
    .hugging_face_rules = kExaoneRules,
    .keys = {.layers = "num_layers",
             .norm_epsilon = "layer_norm_epsilon",
             .activation = "activation_function",
             .default_norm_epsilon = 1e-5},
    .set_family = set_exaone,
};

const Architecture kExaone4Architecture = {
    .name = "exaone4",
    .gguf_name = "exaone4",
    .model_type = "exaone4",
    .hugging_face_class = "Exaone4ForCausalLM",
    .keys = {.default_norm_epsilon = 1e-5},
    .set_family = set_exaone4,
    .read_gguf = read_gguf4,
    .read_hugging_face = read_hugging_face4,
    .write_hugging_face = write_window,
};

}  // namespace onmal
