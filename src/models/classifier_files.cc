#include <algorithm>

#include "base/error.h"
#include "models/classifier.h"
#include "models/encoder_weights.h"

// How classifiers stand in Hugging Face folders.
namespace onmal {
namespace {

constexpr EncoderRule kBertRules[] = {
    {"classifier.pooler.weight", "bert.pooler.dense.weight"},
    {"classifier.pooler.weight", "pooler.dense.weight"},
    {"classifier.pooler.bias", "bert.pooler.dense.bias"},
    {"classifier.pooler.bias", "pooler.dense.bias"},
    {"classifier.output.weight", "classifier.weight"},
    {"classifier.output.bias", "classifier.bias"},
};

// RoBERTa's head holds both maps; for tokens it has one, as BERT's.
constexpr EncoderRule kRobertaRules[] = {
    {"classifier.pooler.weight", "classifier.dense.weight"},
    {"classifier.pooler.bias", "classifier.dense.bias"},
    {"classifier.output.weight", "classifier.out_proj.weight"},
    {"classifier.output.weight", "classifier.weight"},
    {"classifier.output.bias", "classifier.out_proj.bias"},
    {"classifier.output.bias", "classifier.bias"},
};

constexpr EncoderRule kDecoderRules[] = {
    {"classifier.output.weight", "score.weight"},
    {"classifier.output.bias", "score.bias"},
};

constexpr std::string_view kPoolingKey = "classifier_pooling";  // as ModernBERT calls it

std::span<const EncoderRule> rules_of(bool decoder, bool roberta) {
  if (decoder) return kDecoderRules;
  if (roberta) return kRobertaRules;
  return kBertRules;
}

// The head's matrix [labels, dim] in a file; undefined where there is none.
Tensor find_output(const ModelFile& file) {
  for (const char* name : {"score.weight", "classifier.weight", "classifier.out_proj.weight"}) {
    if (const Tensor tensor = file.find(name); tensor.defined() && tensor.shape().rank() == 2)
      return tensor;
  }
  return {};
}

ClassifyTask read_task(const Metadata& metadata, size_t labels) {
  if (metadata.contains("architectures")) {
    const auto names = metadata.get_strings("architectures");
    if (!names.empty() && names[0].ends_with("ForTokenClassification"))
      return ClassifyTask::kTokens;
  }
  const std::string type = metadata.get_string("problem_type", "");
  for (const ClassifyTask task :
       {ClassifyTask::kSingleLabel, ClassifyTask::kMultiLabel, ClassifyTask::kRegression}) {
    if (type == classify_task_name(task)) return task;
  }
  if (!type.empty()) {
    throw Error(ErrorCode::kUnsupported, metadata.where(), "unknown problem_type '" + type + "'",
                "known: single_label_classification, multi_label_classification, regression");
  }
  return labels == 1 ? ClassifyTask::kRegression : ClassifyTask::kSingleLabel;
}

Pooling read_pooling(const Metadata& metadata) {
  const std::string name = metadata.get_string(kPoolingKey, "");
  for (const Pooling pooling : {Pooling::kMean, Pooling::kCls, Pooling::kLast}) {
    if (name == pooling_name(pooling)) return pooling;
  }
  if (name.empty()) return Pooling::kNone;
  throw Error(ErrorCode::kUnsupported, metadata.where(),
              "unknown " + std::string(kPoolingKey) + " '" + name + "'", "known: mean, cls, last");
}

ClassifierConfig read_config(const ModelFile& file, int64_t labels) {
  const Metadata& metadata = file.metadata();
  ClassifierConfig config;
  for (int64_t i = 0; i < labels; ++i) {
    const std::string number = std::to_string(i);
    config.labels.push_back(metadata.get_string("id2label." + number, "LABEL_" + number));
  }
  config.task = read_task(metadata, config.labels.size());
  config.pooling = read_pooling(metadata);
  return config;
}

}  // namespace

Classifier::Classifier(const std::filesystem::path& path, std::optional<DType> matrices) {
  const ModelFile file = open_model_file(path);
  const Tensor output = file.gguf == nullptr ? find_output(file) : Tensor();
  if (!output.defined() || file.kind() == ModelKind::kEncoderDecoder) {
    throw Error(ErrorCode::kUnsupported, path.string(), "has no head that classifies",
                "make one with 'onmal finetune --task classification'");
  }
  config_ = read_config(file, output.dim(0));
  if (file.kind() == ModelKind::kDecoder) {
    decoder_ = std::make_unique<LanguageModel>(load_language_model(path, {matrices}));
  } else {
    encoder_ = std::make_unique<EncoderModel>(load_encoder_model(file, matrices));
  }
  const bool missing = decoder_ != nullptr ? decoder_->tokenizer == nullptr
                                           : encoder_->tokenizer.tokenizer == nullptr;
  if (missing) throw Error(ErrorCode::kUnsupported, path.string(), "carries no tokenizer");
  check(path.string());
  describe_head();
  // Heads of decoders have a bias or not, whatever the task.
  if (decoder_ != nullptr) {
    output_ = LinearLayer("classifier.output", dim(), output.dim(0),
                          file.find("score.bias").defined(), 0.02F);
  }
  const bool roberta = encoder_ != nullptr && encoder_->encoder->config().position_offset > 0;
  load_params([&](ParamVisitor visitor) { visit_head(visitor); },
              rules_of(decoder_ != nullptr, roberta),
              [&](const std::string& name) { return file.find(name); }, memory(), DType::kF32,
              path.string());
  // The head may still point into `file`.
  visit_head([&](Param& param) {
    const Tensor own = Tensor::empty(memory(), param.shape);
    std::copy_n(param.value.f32(), own.elements(), own.f32());
    param.value = own;
  });
}

void Classifier::save(const std::filesystem::path& folder, DType matrices) {
  const bool tokens = config_.task == ClassifyTask::kTokens;
  TaskHead head;
  head.task = tokens ? "ForTokenClassification" : "ForSequenceClassification";
  for (size_t i = 0; i < config_.labels.size(); ++i)
    head.config.set("id2label." + std::to_string(i), config_.labels[i]);
  // Keys of our metadata are paths: labels that look like one stay without an entry.
  for (size_t i = 0; i < config_.labels.size(); ++i) {
    if (!config_.labels[i].empty() && config_.labels[i].find_first_of(".[") == std::string::npos)
      head.config.set("label2id." + config_.labels[i], static_cast<int64_t>(i));
  }
  if (!tokens) {
    head.config.set("problem_type", classify_task_name(config_.task));
    head.config.set(std::string(kPoolingKey), pooling_name(config_.pooling));
  }
  HeapAllocator own;
  const bool roberta = encoder_ != nullptr && encoder_->encoder->config().position_offset > 0;
  const auto accept = [&](std::string_view theirs) {
    return !roberta || theirs.find("out_proj") == std::string_view::npos || has_pooler();
  };
  head.tensors = store_params([&](ParamVisitor visitor) { visit_head(visitor); },
                              rules_of(decoder_ != nullptr, roberta), accept, own, DType::kF32,
                              folder.string());
  if (decoder_ != nullptr) {
    save_hugging_face(*decoder_, folder, matrices, 0, &head);
  } else {
    save_encoder_model(*encoder_, folder, matrices, &head);
  }
}

}  // namespace onmal
