#include "train/fresh_model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/memory_size.h"
#include "models/adapter.h"
#include "models/initialize_params.h"
#include "text/edit_labels.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

// Weights, their gradients and AdamW's two moments, all f32; activations come on top.
void require_training_memory(int64_t parameters, const std::string& where) {
  require_memory(4 * parameters * int64_t{sizeof(float)}, where,
                 "training " + std::to_string(parameters) + " parameters",
                 "train a smaller model, or use a machine with more memory");
}

int64_t count_parameters(VisitParams visit) {
  int64_t count = 0;
  visit([&](const Param& param) { count += param.shape.elements(); });
  return count;
}

// Weights mapped from a file are read-only; training needs its own.
void own_weights(VisitParams visit, Allocator& memory) {
  visit([&](Param& param) {
    const Tensor own = Tensor::empty(memory, param.shape);
    std::copy_n(param.value.f32(), own.elements(), own.f32());
    param.value = own;
  });
}

void require_kind(const Recipe& recipe, ModelKind kind, const char* what) {
  const bool right =
      recipe.from.empty() ? recipe.kind == kind : open_model_file(recipe.from).kind() == kind;
  if (right) return;
  throw Error(ErrorCode::kInvalidArgument,
              recipe.from.empty() ? recipe.model.architecture : recipe.from.string(),
              std::string("this task trains ") + what,
              "choose another architecture or model, or another task");
}

std::shared_ptr<const Tokenizer> fresh_tokenizer(const Recipe& recipe) {
  std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer_json(recipe.data.tokenizer);
  if (recipe.model.vocab_size != tokenizer->vocab_size()) {
    throw Error(ErrorCode::kInvalidArgument, recipe.data.tokenizer.string(),
                "has " + std::to_string(tokenizer->vocab_size()) +
                    " tokens, the recipe's vocab_size is " +
                    std::to_string(recipe.model.vocab_size));
  }
  return tokenizer;
}

void require_tokenizer(const std::shared_ptr<const Tokenizer>& tokenizer,
                       const std::filesystem::path& path) {
  if (tokenizer == nullptr) throw Error(ErrorCode::kBadFile, path.string(), "carries no tokenizer");
}

EncoderConfig sizes_of(const Recipe& recipe) {
  const DecoderConfig& m = recipe.model;
  EncoderConfig config;
  config.architecture = m.architecture;
  config.vocab_size = m.vocab_size;
  config.dim = m.dim;
  config.layers = m.layers;
  config.heads = m.heads;
  config.head_dim = m.head_dim > 0 || m.heads == 0 ? m.head_dim : m.dim / m.heads;
  config.ffn_dim = m.ffn_dim;
  config.max_positions = m.max_positions;
  config.norm_epsilon = m.norm_epsilon;
  return config;
}

EncoderConfig bert_config(const Recipe& recipe) {
  EncoderConfig config = sizes_of(recipe);
  config.token_types = recipe.model.architecture == "bert" ? 2 : 1;
  config.position_offset = recipe.model.architecture == "roberta" ? 2 : 0;
  config.architecture = "bert";
  config.embedding_norm = true;
  config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = true;
  return config;
}

// T5 1.1's stack, or 1.0's without gates.
EncoderConfig t5_config(const Recipe& recipe) {
  EncoderConfig config = sizes_of(recipe);
  config.norm = NormKind::kRms;
  config.norm_first = config.final_norm = true;
  config.positions = EncoderPositions::kRelativeBias;
  config.attention_scale = 1.0F;
  config.gated_mlp = recipe.gated_mlp;
  config.activation = recipe.gated_mlp ? Activation::kGeluTanh : Activation::kRelu;
  return config;
}

EncoderConfig marian_config(const Recipe& recipe) {
  EncoderConfig config = sizes_of(recipe);
  config.norm_epsilon = 1e-5F;  // the file format has no key for it
  config.positions = EncoderPositions::kSinusoidal;
  config.embedding_scale = std::sqrt(static_cast<float>(config.dim));
  config.activation = Activation::kSilu;
  config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = true;
  return config;
}

EncoderDecoderConfig pair_config(const Recipe& recipe, const Tokenizer& tokenizer) {
  EncoderDecoderConfig config;
  const bool marian = recipe.model.architecture == "marian";
  config.encoder = marian ? marian_config(recipe) : t5_config(recipe);
  config.decoder = config.encoder;
  config.decoder.causal = config.decoder.cross_attention = true;
  if (recipe.decoder_layers > 0) config.decoder.layers = recipe.decoder_layers;
  config.tied_head = marian || recipe.model.tied_head;
  if (!marian && config.tied_head)
    config.head_scale = 1.0F / std::sqrt(static_cast<float>(config.encoder.dim));
  config.head_bias = marian;
  const int32_t pad =
      std::max({tokenizer.find("<pad>"), tokenizer.find("<|pad|>"), tokenizer.find("[PAD]")});
  config.start_id = std::max(0, pad);
  if (pad >= 0) config.forbidden_ids = {pad};
  if (tokenizer.end_id() >= 0) config.end_ids = {tokenizer.end_id()};
  config.max_tokens = std::min<int64_t>(512, config.decoder.max_positions);
  return config;
}

EncoderModel fresh_encoder(const Recipe& recipe, std::shared_ptr<const Tokenizer> tokenizer,
                           Rng& rng) {
  EncoderModel model;
  model.tokenizer.tokenizer = std::move(tokenizer);
  model.encoder = std::make_unique<Encoder>(bert_config(recipe));
  Encoder& encoder = *model.encoder;
  require_training_memory(count_parameters([&](ParamVisitor visitor) { encoder.visit(visitor); }),
                          recipe.run.output.string());
  encoder.initialize(*model.memory, rng);
  encoder.prepare(*model.memory);
  return model;
}

// The base stays as it is stored, mapped where it can be.
LanguageModel start_adapter(const Recipe& recipe) {
  LanguageModel model = load_language_model(recipe.from);
  require_tokenizer(model.tokenizer, recipe.from);
  Rng rng(recipe.run.seed);
  attach_adapter([&](LinearVisitor visitor) { model.decoder->visit_linears(visitor); },
                 *recipe.adapter, *model.memory, rng, recipe.from.string());
  require_adapter_names(model, recipe.from.string());
  return model;
}

// The base as it is stored, a fresh adapter and a fresh head.
Classifier start_adapted_classifier(const Recipe& recipe, const ClassifierConfig& config,
                                    Rng& rng) {
  const ModelFile file = open_model_file(recipe.from);
  const auto finish = [&](Classifier classifier) {
    classifier.attach(*recipe.adapter, rng);
    return classifier;
  };
  if (file.kind() == ModelKind::kEncoder) {
    EncoderModel base = load_encoder_model(file);
    require_tokenizer(base.tokenizer.tokenizer, recipe.from);
    return finish(Classifier(std::move(base), config, rng));
  }
  LanguageModel base = load_language_model(recipe.from);
  require_tokenizer(base.tokenizer, recipe.from);
  return finish(Classifier(std::move(base), config, rng));
}

// A model that has the head wanted already is tuned on.
bool has_same_labels(const Recipe& recipe, const std::vector<std::string>& labels) {
  try {
    const Classifier classifier(recipe.from);
    return classifier.config().labels == labels &&
           classifier.config().task == recipe.objective.problem;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return false;
  }
}

}  // namespace

ModelKind fresh_model_kind(std::string_view architecture) {
  if (architecture == "bert" || architecture == "roberta") return ModelKind::kEncoder;
  if (architecture == "t5" || architecture == "marian") return ModelKind::kEncoderDecoder;
  return ModelKind::kDecoder;
}

LanguageModel start_language_model(const Recipe& recipe) {
  require_kind(recipe, ModelKind::kDecoder, "decoders");
  if (recipe.adapter) return start_adapter(recipe);
  if (!recipe.from.empty()) {
    require_training_memory(load_language_model(recipe.from).decoder->config().parameter_count(),
                            recipe.from.string());
    LoadOptions options;
    options.matrices = DType::kF32;
    LanguageModel model = load_language_model(recipe.from, options);
    require_tokenizer(model.tokenizer, recipe.from);
    own_weights([&](ParamVisitor visitor) { model.decoder->visit(visitor); }, *model.memory);
    return model;
  }
  require_training_memory(recipe.model.parameter_count(), recipe.run.output.string());
  LanguageModel model;
  model.tokenizer = fresh_tokenizer(recipe);
  model.decoder = std::make_unique<Decoder>(recipe.model);
  Rng rng(recipe.run.seed);
  model.decoder->initialize(*model.memory, rng);
  model.decoder->prepare(*model.memory);
  if (model.tokenizer->end_id() >= 0) model.end_ids.push_back(model.tokenizer->end_id());
  return model;
}

EncoderModel start_encoder(const Recipe& recipe) {
  require_kind(recipe, ModelKind::kEncoder, "encoders");
  if (recipe.from.empty()) {
    Rng rng(recipe.run.seed);
    return fresh_encoder(recipe, fresh_tokenizer(recipe), rng);
  }
  EncoderModel model = load_encoder_model(open_model_file(recipe.from), DType::kF32);
  require_tokenizer(model.tokenizer.tokenizer, recipe.from);
  const auto visit = [&](ParamVisitor visitor) { model.encoder->visit(visitor); };
  require_training_memory(count_parameters(visit), recipe.from.string());
  own_weights(visit, *model.memory);
  return model;
}

MaskedLanguageModel start_masked_model(const Recipe& recipe) {
  require_kind(recipe, ModelKind::kEncoder, "encoders");
  Rng rng(recipe.run.seed);
  if (!recipe.from.empty()) {
    MaskedLanguageModel model = load_masked_language_model(recipe.from, rng);
    require_tokenizer(model.base.tokenizer.tokenizer, recipe.from);
    const auto visit = [&](ParamVisitor visitor) {
      model.base.encoder->visit(visitor);
      model.head->visit(visitor);
    };
    require_training_memory(count_parameters(visit), recipe.from.string());
    own_weights(visit, *model.base.memory);
    return model;
  }
  MaskedLanguageModel model;
  model.base = fresh_encoder(recipe, fresh_tokenizer(recipe), rng);
  model.head = std::make_unique<MaskedHead>(model.base.encoder->config());
  model.head->visit([&](Param& param) { initialize_param(param, *model.base.memory, rng); });
  return model;
}

EncoderDecoderModel start_encoder_decoder(const Recipe& recipe) {
  require_kind(recipe, ModelKind::kEncoderDecoder, "encoder-decoders");
  EncoderDecoderModel model;
  if (!recipe.from.empty()) {
    model = load_encoder_decoder(recipe.from, DType::kF32);
    require_tokenizer(model.tokenizer.tokenizer, recipe.from);
  } else {
    model.tokenizer.tokenizer = fresh_tokenizer(recipe);
    model.network =
        std::make_unique<EncoderDecoder>(pair_config(recipe, *model.tokenizer.tokenizer));
  }
  EncoderDecoder& network = *model.network;
  const auto visit = [&](ParamVisitor visitor) { network.visit(visitor); };
  require_training_memory(count_parameters(visit), recipe.run.output.string());
  if (!recipe.from.empty()) {
    own_weights(visit, *model.memory);
    return model;
  }
  Rng rng(recipe.run.seed);
  network.initialize(*model.memory, rng);
  network.prepare(*model.memory);
  return model;
}

Classifier start_classifier(const Recipe& recipe, const std::vector<std::string>& labels) {
  Rng rng(recipe.run.seed);
  ClassifierConfig config{recipe.objective.problem, recipe.objective.pooling, labels};
  const auto finish = [&](Classifier classifier) {
    const auto visit = [&](ParamVisitor visitor) { classifier.visit(visitor); };
    require_training_memory(count_parameters(visit), recipe.run.output.string());
    own_weights(visit, classifier.memory());
    return classifier;
  };
  if (recipe.from.empty()) {
    if (recipe.kind == ModelKind::kEncoder)
      return Classifier(fresh_encoder(recipe, fresh_tokenizer(recipe), rng), config, rng);
    return Classifier(start_language_model(recipe), config, rng);
  }
  if (recipe.adapter) return start_adapted_classifier(recipe, config, rng);
  if (has_same_labels(recipe, labels)) return finish(Classifier(recipe.from, DType::kF32));
  const ModelFile file = open_model_file(recipe.from);
  if (file.kind() == ModelKind::kEncoder) {
    EncoderModel base = load_encoder_model(file, DType::kF32);
    require_tokenizer(base.tokenizer.tokenizer, recipe.from);
    return finish(Classifier(std::move(base), config, rng));
  }
  return finish(Classifier(start_language_model(recipe), config, rng));
}

Classifier start_edit_tagger(const Recipe& recipe, std::shared_ptr<const Tokenizer> tokenizer,
                             const std::vector<std::string>& labels) {
  require_kind(recipe, ModelKind::kEncoder, "encoders");
  Rng rng(recipe.run.seed);
  if (recipe.from.empty()) {
    Recipe sized = recipe;
    sized.model.vocab_size = tokenizer->vocab_size();
    return {fresh_encoder(sized, std::move(tokenizer), rng),
            ClassifierConfig{ClassifyTask::kTokens, Pooling::kNone, labels}, rng};
  }
  Classifier classifier(recipe.from, DType::kF32);
  const std::vector<std::string>& known = classifier.config().labels;
  if (known.empty() || known[0] != kKeepLabel) {
    throw Error(ErrorCode::kInvalidArgument, recipe.from.string(),
                "labels no characters with edits", "start from a model that this task made");
  }
  own_weights([&](ParamVisitor visitor) { classifier.visit(visitor); }, classifier.memory());
  return classifier;
}

int32_t find_mask_id(const Tokenizer& tokenizer) {
  for (const char* name : {"[MASK]", "<mask>", "<|mask|>"}) {
    if (const int32_t id = tokenizer.find(name); id >= 0) return id;
  }
  throw Error(ErrorCode::kInvalidArgument, "tokenizer", "has no mask token",
              "train one with 'onmal tokenizer train --special-token \"[MASK]\"'");
}

}  // namespace onmal
