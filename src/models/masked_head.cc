#include "models/masked_head.h"

#include "base/error.h"
#include "models/encoder_weights.h"
#include "models/initialize_params.h"
#include "ops/activation.h"

namespace onmal {
namespace {

constexpr EncoderRule kBertRules[] = {
    {"masked_head.dense.weight", "cls.predictions.transform.dense.weight"},
    {"masked_head.dense.bias", "cls.predictions.transform.dense.bias"},
    {"masked_head.norm.weight", "cls.predictions.transform.LayerNorm.weight"},
    {"masked_head.norm.bias", "cls.predictions.transform.LayerNorm.bias"},
    {"masked_head.bias", "cls.predictions.bias"},
    {"masked_head.bias", "cls.predictions.decoder.bias"},
};

constexpr EncoderRule kRobertaRules[] = {
    {"masked_head.dense.weight", "lm_head.dense.weight"},
    {"masked_head.dense.bias", "lm_head.dense.bias"},
    {"masked_head.norm.weight", "lm_head.layer_norm.weight"},
    {"masked_head.norm.bias", "lm_head.layer_norm.bias"},
    {"masked_head.bias", "lm_head.bias"},
};

std::span<const EncoderRule> rules_of(const EncoderConfig& config) {
  if (config.position_offset > 0) return kRobertaRules;
  return kBertRules;
}

}  // namespace

MaskedHead::MaskedHead(const EncoderConfig& config)
    : activation_(config.activation),
      dense_("masked_head.dense", config.dim, config.dim, true, 0.02F),
      norm_("masked_head.norm", NormKind::kLayer, config.dim, config.norm_epsilon) {
  bias_.name = "masked_head.bias";
  bias_.shape = Shape{config.vocab_size};
  bias_.kind = ParamKind::kVector;
}

void MaskedHead::visit(ParamVisitor visitor) {
  dense_.visit(visitor);
  norm_.visit(visitor);
  visitor(bias_);
}

Tensor MaskedHead::transform(Exec& exec, const Tensor& hidden) const {
  return norm_(exec, activation(exec, activation_, dense_(exec, hidden)));
}

Tensor MaskedHead::logits(Exec& exec, const Tensor& hidden, const Tensor& table) const {
  return linear(exec, transform(exec, hidden), table, bias_.value);
}

CrossEntropyResult MaskedHead::loss(Exec& exec, const Tensor& hidden, const Tensor& table,
                                    const Tensor& targets, double normalizer) const {
  CrossEntropyParams params;
  params.bias = bias_.value;
  return linear_cross_entropy(exec, transform(exec, hidden), table, targets, params, normalizer);
}

MaskedLanguageModel load_masked_language_model(const std::filesystem::path& path, Rng& rng) {
  const ModelFile file = open_model_file(path);
  if (file.kind() != ModelKind::kEncoder) {
    throw Error(ErrorCode::kUnsupported, path.string(),
                "'" + file.architecture() + "' is no encoder",
                "masked tokens are learned by encoders: " + known_encoder_families());
  }
  MaskedLanguageModel model;
  model.base = load_encoder_model(file, DType::kF32);
  const EncoderConfig& config = model.base.encoder->config();
  model.head = std::make_unique<MaskedHead>(config);
  const auto find = [&](const std::string& name) { return file.find(name); };
  const std::span<const EncoderRule> rules = rules_of(config);
  const auto visit = [&](ParamVisitor visitor) { model.head->visit(visitor); };
  if (file.gguf == nullptr && file.find(std::string(rules[0].theirs)).defined()) {
    load_params(visit, rules, find, *model.base.memory, DType::kF32, path.string());
  } else {
    model.head->visit([&](Param& param) { initialize_param(param, *model.base.memory, rng); });
  }
  return model;
}

void save_masked_language_model(MaskedLanguageModel& model, const std::filesystem::path& folder,
                                DType matrices) {
  HeapAllocator memory;
  TaskHead head;
  head.task = "ForMaskedLM";
  head.tensors =
      store_params([&](ParamVisitor visitor) { model.head->visit(visitor); },
                   rules_of(model.base.encoder->config()), [](std::string_view) { return true; },
                   memory, matrices, folder.string());
  save_encoder_model(model.base, folder, matrices, &head);
}

}  // namespace onmal
