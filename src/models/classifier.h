#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "models/adapter.h"
#include "models/architecture.h"
#include "models/encoder_model.h"
#include "models/language_model.h"
#include "models/ngram_model.h"
#include "models/text_rows.h"
#include "nn/linear_layer.h"

namespace onmal {

// What a classifier says of a text.
enum class ClassifyTask : uint8_t {
  kSingleLabel,  // one of the labels: softmax
  kMultiLabel,   // any of them: a sigmoid each
  kRegression,   // numbers
  kTokens,       // one of the labels for each token
};

// config.json's problem_type; "token_classification" for kTokens.
std::string classify_task_name(ClassifyTask task);

struct ClassifierConfig {
  ClassifyTask task = ClassifyTask::kSingleLabel;
  Pooling pooling = Pooling::kNone;  // none: the first token of encoders, the last of decoders
  std::vector<std::string> labels;
};

// The answer to one text.
struct Classification {
  std::vector<float> scores;  // of each label: probabilities, or the numbers of a regression
  size_t best = 0;            // the label with the largest one
  std::vector<bool> said;     // kMultiLabel: which labels the text has
  int64_t dropped = 0;        // tokens that did not fit
  struct Token {
    std::string piece;
    size_t best;
    float score;
  };
  std::vector<Token> tokens;  // kTokens
};

// What the logits of one text (or token) say of each label: the softmax, a sigmoid of each
// (kMultiLabel), or the numbers themselves (kRegression).
std::vector<float> label_scores(ClassifyTask task, const float* logits, int64_t count);

// A decoder or an encoder with a head that sorts texts: Hugging Face's …ForSequenceClassification
// and …ForTokenClassification. Move-only.
class Classifier {
 public:
  // A fresh head upon a base model. Throws Error(kInvalidArgument) for a pooling that the base
  // cannot give or a number of labels that makes no sense.
  Classifier(LanguageModel base, ClassifierConfig config, Rng& rng);
  Classifier(EncoderModel base, ClassifierConfig config, Rng& rng);
  // Loads what save() wrote, a folder of that kind, or a GGUF file of an encoder with a head
  // (llama.cpp's "rank" models). Throws Error(kUnsupported) for a model
  // without such a head.
  explicit Classifier(const std::filesystem::path& path, std::optional<DType> matrices = {});

  const ClassifierConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const;
  int64_t max_tokens() const;
  int64_t vocab_size() const;

  void visit(ParamVisitor visitor);
  void visit_linears(LinearVisitor visitor);
  void visit_head(ParamVisitor visitor);
  Allocator& memory();
  LanguageModel* language_model() { return decoder_.get(); }
  bool is_encoder() const { return encoder_ != nullptr; }

  // The ids of a text as the model wants them, at most `limit`; an empty text counts as the end
  // token.
  std::vector<int32_t> encode(std::string_view text, int64_t limit) const;
  // Texts packed into rows of at most `length` tokens.
  TextRows pack(Allocator& memory, std::span<const std::vector<int32_t>> texts, int64_t length,
                std::span<const int64_t> second_parts = {}) const;
  // What the head sees: a row of each text [N, dim], or of each token of the rows (kTokens).
  Tensor features(Exec& exec, const TextRows& rows, bool checkpoint_activations = false) const;
  Tensor logits(Exec& exec, const Tensor& features) const;
  const LinearLayer& head() const { return output_; }

  // In the order of the texts; with an n-gram part, by both. A stop request ends with
  // Error(kCancelled).
  std::vector<Classification> classify(ThreadPool& pool, std::span<const std::string> texts,
                                       const std::stop_token& stop = {}) const;
  // What the head alone says [texts, labels]; not for kTokens.
  std::vector<float> head_logits(ThreadPool& pool, std::span<const std::string> texts,
                                 const std::stop_token& stop = {}) const;
  // The second part, from ngrams.bin in the folder loaded; null without.
  const NgramPart* ngrams() const { return ngrams_.get(); }

  // Writes a Hugging Face folder with id2label and problem_type. An n-gram part there belongs to
  // another head and is removed.
  void save(const std::filesystem::path& folder, DType matrices);

  // Attaches a fresh adapter to the base model; the head is trained beside it, whole.
  void attach(const AdapterConfig& adapter, Rng& rng);
  // Writes PEFT's folder: the adapter, and the head as modules_to_save; classifier.json beside has
  // the labels. Throws Error(kUnsupported) where a changed map shares its tensor with others.
  void save_adapter(const AdapterConfig& adapter, const std::filesystem::path& folder);
  // A base model with what save_adapter() wrote. Throws as load_adapter(), and Error(kUnsupported)
  // for an adapter without a head that classifies.
  static Classifier with_adapter(const std::filesystem::path& base,
                                 const std::filesystem::path& adapter);

 private:
  std::vector<NamedTensor> head_tensors(Allocator& allocator, const std::string& where);
  void load_head(FindTensor find, const std::string& where);
  bool is_roberta() const;
  void describe_head();
  void check(const std::string& where) const;
  int64_t dim() const;
  // Texts by the batch: the first one's number, their ids and rows, and logits of rows [N, labels].
  void for_batches(ThreadPool& pool, std::span<const std::string> texts,
                   const std::stop_token& stop,
                   FunctionRef<void(size_t first, std::span<const std::vector<int32_t>> ids,
                                    const TextRows& rows, const float* logits)>
                       body) const;
  void read_scores(const float* logits, std::string_view text, Classification& result) const;
  Tensor hidden_states(Exec& exec, const TextRows& rows, bool checkpoint_activations) const;
  bool has_pooler() const { return pooler_.weight.shape.rank() > 0; }

  ClassifierConfig config_;
  std::unique_ptr<LanguageModel> decoder_;  // one of the two
  std::unique_ptr<EncoderModel> encoder_;
  LinearLayer pooler_;  // of encoders that look at the first token: tanh(W x + b)
  LinearLayer output_;
  std::unique_ptr<const NgramPart> ngrams_;
};

// True for a Hugging Face folder whose model has a head that classifies.
bool is_classifier_folder(const std::filesystem::path& path);

// Writes what was loaded from the folder `from` to the folder `to`, matrices in another number
// format; its n-gram part and the confidence of an edit tagger go along. Throws
// Error(kInvalidArgument) when both are the same folder.
void save_classifier_as(Classifier& classifier, const std::filesystem::path& from,
                        const std::filesystem::path& to, DType matrices);

}  // namespace onmal
