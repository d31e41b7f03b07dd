#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "models/architecture.h"
#include "models/language_model.h"
#include "models/weight_io.h"

// Small random models for tests; no test program but this floor's includes this.
namespace onmal::testing {

// One token a byte, a few longer pieces, and <end> as the only special token.
class ByteTokenizer : public Tokenizer {
 public:
  ByteTokenizer() {
    for (int byte = 0; byte < 256; ++byte) pieces_.emplace_back(1, static_cast<char>(byte));
    for (const char* piece : {"한", "국", "어", "the", "stop", " word"})
      pieces_.emplace_back(piece);
    pieces_.emplace_back("<end>");
  }

  int64_t vocab_size() const override { return static_cast<int64_t>(pieces_.size()); }
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& = {}) const override {
    std::vector<int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string_view piece(int32_t id) const override {
    if (id < 0 || id >= vocab_size()) {
      throw Error(ErrorCode::kInvalidArgument, "tokenizer", "unknown id");
    }
    return pieces_[static_cast<size_t>(id)];
  }
  bool is_special(int32_t id) const override { return id == end_id(); }
  int32_t find(std::string_view text) const override {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i] == text) return static_cast<int32_t>(i);
    }
    return -1;
  }
  int32_t begin_id() const override { return -1; }
  int32_t end_id() const override { return static_cast<int32_t>(pieces_.size()) - 1; }

 private:
  std::vector<std::string> pieces_;
};

// What a family can have beyond what all its models do.
inline void add_oddities(const std::string& architecture, DecoderConfig& config) {
  if (architecture == "gemma3" || architecture == "exaone4") {
    config.local_layers = {true, false, true};
    config.global_rope = architecture == "gemma3";
    config.logit_softcap = 30.0F;
  } else if (architecture == "granite") {
    config.embedding_scale = 2.0F;
    config.residual_scale = 0.5F;
    config.attention_scale = 0.2F;
    config.logit_scale = 0.5F;
  } else if (architecture == "stablelm") {
    config.parallel_residual = config.shared_norm = true;
    config.qk_norm = QkNorm::kOwnHead;
    config.rotary_dims = 4;
  } else if (architecture == "phi3") {  // with room for more tokens than first trained on
    config.rope_scaling.kind = RopeScalingKind::kLongRope;
    config.rope_scaling.original_positions = 32;
    config.rope_scaling.short_factors.assign(8, 1.0F);
    config.rope_scaling.long_factors = {1.0F, 1.2F, 1.5F, 2.0F, 2.5F, 3.0F, 3.5F, 4.0F};
  } else if (architecture == "qwen2moe" || architecture == "qwen3moe") {
    config.experts = {6, 2, 32, config.experts.normalize, architecture == "qwen2moe" ? 48 : 0, {}};
  }
}

inline DecoderConfig small_config(const std::string& architecture) {
  DecoderConfig config;
  config.architecture = architecture;
  config.vocab_size = ByteTokenizer().vocab_size();
  config.dim = 64;
  config.layers = 3;
  config.heads = 4;
  config.kv_heads = architecture == "gpt2" ? 4 : 2;
  config.head_dim = architecture == "qwen3" ? 32 : 16;
  config.ffn_dim = 96;
  config.max_positions = 128;
  config.tied_head = architecture != "llama";
  find_architecture(architecture, "test").set_family(config);
  add_oddities(architecture, config);
  return config;
}

// Weights large enough that logits differ clearly; `matrices` as in convert_tensor.
inline LanguageModel random_model(const DecoderConfig& config, DType matrices = DType::kF32,
                                  uint64_t seed = 1) {
  LanguageModel model;
  model.path = "test-model";
  model.tokenizer = std::make_shared<ByteTokenizer>();
  model.end_ids = {model.tokenizer->end_id()};
  model.decoder = std::make_unique<Decoder>(config);
  Rng rng(seed);
  model.decoder->visit([&](Param& param) {
    param.initial_deviation = param.kind == ParamKind::kEmbedding ? 0.5F : 0.12F;
  });
  model.decoder->initialize(*model.memory, rng);
  model.decoder->visit([&](Param& param) {
    if (param.kind == ParamKind::kVector) {
      for (int64_t i = 0; i < param.value.elements(); ++i) {
        param.value.f32()[i] += 0.1F * static_cast<float>(rng.normal());
      }
    } else {
      param.value = convert_tensor(param.value, matrices, *model.memory);
    }
  });
  model.decoder->prepare(*model.memory);
  return model;
}

inline std::vector<int32_t> random_ids(size_t count, uint64_t seed, int64_t vocab_size = 256) {
  Rng rng(seed);
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) {
    id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size)));
  }
  return ids;
}

}  // namespace onmal::testing
