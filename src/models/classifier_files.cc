#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "formats/json_metadata.h"
#include "models/adapter.h"
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

// llama.cpp's "rank" models.
constexpr EncoderRule kGgufRules[] = {
    {"classifier.pooler.weight", "cls.weight"},
    {"classifier.pooler.bias", "cls.bias"},
    {"classifier.output.weight", "cls.output.weight"},
    {"classifier.output.bias", "cls.output.bias"},
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
  if (file.gguf != nullptr) return file.find("cls.output.weight");
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
  const Tensor output = find_output(file);
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
  load_head([&](const std::string& name) { return file.find(name); }, path.string());
  if (!std::filesystem::exists(path / kNgramFile)) return;
  const bool choice = config_.task == ClassifyTask::kSingleLabel;
  if (!choice && config_.task != ClassifyTask::kMultiLabel) {
    throw Error(ErrorCode::kUnsupported, (path / kNgramFile).string(),
                "stands beside a head that does not choose labels of texts", "remove it");
  }
  ngrams_ = std::make_unique<const NgramPart>(
      load_ngram_part(path / kNgramFile, NgramPart::output_count(choice, config_.labels.size())));
}

bool Classifier::is_roberta() const {
  return encoder_ != nullptr && encoder_->encoder->config().position_offset > 0;
}

void Classifier::load_head(FindTensor find, const std::string& where) {
  const bool gguf = find("cls.output.weight").defined();
  load_params(
      [&](ParamVisitor visitor) { visit_head(visitor); },
      gguf ? std::span<const EncoderRule>(kGgufRules) : rules_of(decoder_ != nullptr, is_roberta()),
      find, memory(), DType::kF32, where);
  // The head may still point into the file.
  visit_head([&](Param& param) {
    const Tensor own = Tensor::empty(memory(), param.shape);
    std::copy_n(param.value.f32(), own.elements(), own.f32());
    param.value = own;
  });
}

std::vector<NamedTensor> Classifier::head_tensors(Allocator& allocator, const std::string& where) {
  const auto accept = [&](std::string_view theirs) {
    return !is_roberta() || theirs.find("out_proj") == std::string_view::npos || has_pooler();
  };
  return store_params([&](ParamVisitor visitor) { visit_head(visitor); },
                      rules_of(decoder_ != nullptr, is_roberta()), accept, allocator, DType::kF32,
                      where);
}

namespace {

// What config.json says of a head.
Metadata head_metadata(const ClassifierConfig& config, const std::string& where) {
  Metadata metadata(where);
  for (size_t i = 0; i < config.labels.size(); ++i)
    metadata.set("id2label." + std::to_string(i), config.labels[i]);
  // Keys of our metadata are paths: labels that look like one stay without an entry.
  for (size_t i = 0; i < config.labels.size(); ++i) {
    if (!config.labels[i].empty() && config.labels[i].find_first_of(".[") == std::string::npos)
      metadata.set("label2id." + config.labels[i], static_cast<int64_t>(i));
  }
  if (config.task != ClassifyTask::kTokens) {
    metadata.set("problem_type", classify_task_name(config.task));
    metadata.set(std::string(kPoolingKey), pooling_name(config.pooling));
  }
  return metadata;
}

constexpr const char* kHeadFile = "classifier.json";
constexpr std::string_view kPrefix = "base_model.model.";

// "classifier" of "base_model.model.classifier.weight", "pooler" of "….pooler.dense.weight".
std::string module_of(const std::string& name) {
  return name.find("pooler") != std::string::npos ? "pooler" : name.substr(0, name.find('.'));
}

}  // namespace

void Classifier::save(const std::filesystem::path& folder, DType matrices) {
  const bool tokens = config_.task == ClassifyTask::kTokens;
  TaskHead head;
  head.task = tokens ? "ForTokenClassification" : "ForSequenceClassification";
  head.config = head_metadata(config_, folder.string());
  HeapAllocator own;
  head.tensors = head_tensors(own, folder.string());
  if (decoder_ != nullptr) {
    save_hugging_face(*decoder_, folder, matrices, 0, &head);
  } else {
    save_encoder_model(*encoder_, folder, matrices, &head);
  }
  std::filesystem::remove(folder / kNgramFile);
}

bool is_classifier_folder(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return false;
  const ModelFile file = open_model_file(path);
  return find_output(file).defined() && file.kind() != ModelKind::kEncoderDecoder;
}

void save_classifier_as(Classifier& classifier, const std::filesystem::path& from,
                        const std::filesystem::path& to, DType matrices) {
  namespace fs = std::filesystem;
  std::error_code unknown;
  if (fs::equivalent(from, to, unknown)) {
    throw Error(ErrorCode::kInvalidArgument, to.string(), "is the folder that is read",
                "choose another one");
  }
  classifier.save(to, matrices);
  for (const char* name : {kNgramFile, "edit_tagger.json"})
    if (fs::exists(from / name)) write_file(to / name, read_file(from / name));
}

void Classifier::attach(const AdapterConfig& adapter, Rng& rng) {
  const std::string where = (decoder_ != nullptr ? decoder_->path : encoder_->path).string();
  attach_adapter([&](LinearVisitor visitor) { visit_linears(visitor); }, adapter, memory(), rng,
                 where);
  if (decoder_ != nullptr) require_adapter_names(*decoder_, where);
}

void Classifier::save_adapter(const AdapterConfig& adapter, const std::filesystem::path& folder) {
  HeapAllocator own;
  AdapterExtras extras;
  extras.task_type = config_.task == ClassifyTask::kTokens ? "TOKEN_CLS" : "SEQ_CLS";
  extras.tensors = head_tensors(own, folder.string());
  for (NamedTensor& tensor : extras.tensors) {
    const std::string module = module_of(tensor.name);
    if (std::find(extras.modules_to_save.begin(), extras.modules_to_save.end(), module) ==
        extras.modules_to_save.end())
      extras.modules_to_save.push_back(module);
    tensor.name.insert(0, kPrefix);
  }
  if (decoder_ != nullptr) {
    save_peft_adapter(*decoder_, adapter, folder, decoder_->path.string(), &extras);
  } else {
    save_encoder_adapter(*encoder_, adapter, folder, encoder_->path.string(), extras);
  }
  Metadata head = head_metadata(config_, (folder / kHeadFile).string());
  head.set("task", classify_task_name(config_.task));
  write_file(folder / kHeadFile, write_json_metadata(head));
}

Classifier Classifier::with_adapter(const std::filesystem::path& base,
                                    const std::filesystem::path& adapter) {
  if (!std::filesystem::exists(adapter / kHeadFile)) {
    throw Error(ErrorCode::kUnsupported, adapter.string(), "has no classifier.json",
                "give an adapter that 'onmal finetune --task classification --adapter' made");
  }
  const Metadata metadata = read_json_metadata(adapter / kHeadFile);
  ClassifierConfig config;
  while (metadata.contains("id2label." + std::to_string(config.labels.size()))) {
    config.labels.push_back(
        metadata.get_string("id2label." + std::to_string(config.labels.size())));
  }
  const std::string task = metadata.get_string("task");
  config.task = task == classify_task_name(ClassifyTask::kTokens)
                    ? ClassifyTask::kTokens
                    : read_task(metadata, config.labels.size());
  config.pooling = read_pooling(metadata);
  const ModelFile file = open_model_file(base);
  if (file.kind() == ModelKind::kEncoderDecoder)
    throw Error(ErrorCode::kUnsupported, base.string(), "encoder-decoders do not classify");
  Rng unused(0);  // for a head that is replaced
  AdapterExtras extras;
  const auto finish = [&](Classifier classifier) {
    const auto find = [&](const std::string& name) -> Tensor {
      for (const NamedTensor& tensor : extras.tensors) {
        if (tensor.name == std::string(kPrefix) + name) return tensor.tensor;
      }
      return {};
    };
    classifier.load_head(find, adapter.string());
    return classifier;
  };
  if (file.kind() == ModelKind::kDecoder) {
    LanguageModel model = load_language_model(base);
    if (model.tokenizer == nullptr)
      throw Error(ErrorCode::kUnsupported, base.string(), "carries no tokenizer");
    load_adapter(model, adapter, 1.0, &extras);
    return finish(Classifier(std::move(model), config, unused));
  }
  EncoderModel model = load_encoder_model(file);
  if (model.tokenizer.tokenizer == nullptr)
    throw Error(ErrorCode::kUnsupported, base.string(), "carries no tokenizer");
  load_encoder_adapter(model, adapter, extras);
  return finish(Classifier(std::move(model), config, unused));
}

}  // namespace onmal
