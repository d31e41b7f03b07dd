#include "train/ngram_join.h"

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "train/label_metrics.h"

namespace onmal {
namespace {

// Targets of labels to those of outputs.
void keep_outputs(NgramExample& example, bool choice) {
  if (choice && example.targets.size() == 2) example.targets.erase(example.targets.begin());
}

std::vector<NgramExample> training_texts(const NgramRecipe& recipe, const DataRecipe& tables,
                                         const LabelledData& data, ClassifyTask task) {
  const bool choice = task == ClassifyTask::kSingleLabel;
  std::vector<NgramExample> texts;
  for (const Example& example : data.train) {
    NgramExample text{example.text, std::vector<int8_t>(data.labels.size()), 1};
    for (const int32_t label : example.labels) text.targets[static_cast<size_t>(label)] = 1;
    keep_outputs(text, choice);
    texts.push_back(std::move(text));
  }
  if (recipe.extra_table.empty()) return texts;
  for (NgramExample& text : read_label_targets(recipe.extra_table, tables, task, data.labels)) {
    text.weight = static_cast<float>(recipe.extra_weight);
    keep_outputs(text, choice);
    texts.push_back(std::move(text));
  }
  return texts;
}

void refuse_learned(const std::vector<NgramExample>& learned,
                    const std::vector<NgramExample>& kept_out, const std::filesystem::path& path) {
  std::unordered_set<std::string_view> seen;
  for (const NgramExample& text : learned) seen.insert(text.text);
  for (const NgramExample& text : kept_out) {
    if (!seen.contains(text.text)) continue;
    throw Error(ErrorCode::kInvalidArgument, path.string(),
                "'" + text.text.substr(0, 60) + "' is learned from, too",
                "keep the texts of ngrams.mix_table out of the other tables");
  }
  if (kept_out.empty())
    throw Error(ErrorCode::kInvalidArgument, path.string(), "is empty", "give texts to mix by");
}

// The label that most texts have of those that never stand beside another, if enough have it.
int32_t exclusive_label(const LabelledData& data) {
  constexpr int64_t kEnough = 100;
  std::vector<int64_t> alone(data.labels.size()), beside(data.labels.size());
  for (const Example& example : data.train)
    for (const int32_t label : example.labels)
      ++(example.labels.size() == 1 ? alone : beside)[static_cast<size_t>(label)];
  int32_t best = -1;
  int64_t most = kEnough - 1;
  for (size_t k = 0; k < alone.size(); ++k) {
    if (beside[k] > 0 || alone[k] <= most) continue;
    most = alone[k];
    best = static_cast<int32_t>(k);
  }
  return best;
}

MixingData mixing_data(ThreadPool& pool, const Classifier& classifier, const NgramModel& ngrams,
                       std::vector<NgramExample>& texts) {
  MixingData data;
  data.outputs = ngrams.outputs();
  data.choice = classifier.config().task == ClassifyTask::kSingleLabel;
  const size_t labels = classifier.config().labels.size();
  std::vector<std::string> plain;
  for (const NgramExample& text : texts) plain.push_back(text.text);
  const std::vector<float> head = classifier.head_logits(pool, plain);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<double> said = ngrams.logits(plain[i]);
    data.ngrams.insert(data.ngrams.end(), said.begin(), said.end());
    const float* row = head.data() + i * labels;
    if (data.outputs == labels) {
      data.head.insert(data.head.end(), row, row + labels);
    } else {
      data.head.push_back(static_cast<double>(row[1] - row[0]));
    }
    keep_outputs(texts[i], data.choice);
    data.targets.insert(data.targets.end(), texts[i].targets.begin(), texts[i].targets.end());
  }
  return data;
}

}  // namespace

void join_ngrams(ThreadPool& pool, const NgramRecipe& recipe, const DataRecipe& tables,
                 const LabelledData& data, const std::filesystem::path& folder) {
  const Classifier classifier(folder);
  const ClassifyTask task = classifier.config().task;
  std::vector<NgramExample> kept_out =
      read_label_targets(recipe.mix_table, tables, task, data.labels);
  NgramPart part;
  {
    const std::vector<NgramExample> texts = training_texts(recipe, tables, data, task);
    refuse_learned(texts, kept_out, recipe.mix_table);
    part.model = train_ngrams(pool, texts, recipe.config, recipe.training);
  }
  const MixingData mixing = mixing_data(pool, classifier, part.model, kept_out);
  part.rules = fit_mixing(mixing);
  if (task == ClassifyTask::kMultiLabel) {
    part.at_least_one = std::none_of(data.train.begin(), data.train.end(),
                                     [](const Example& e) { return e.labels.empty(); });
    part.exclusive = exclusive_label(data);
    fit_threshold(mixing, part);
  }
  write_file(folder / kNgramFile, part.bytes());
}

Evaluation measure_classifier(ThreadPool& pool, const Classifier& classifier,
                              const std::vector<Example>& examples) {
  if (examples.empty()) return {};
  std::vector<std::string> texts;
  for (const Example& example : examples) texts.push_back(example.text);
  const std::vector<Classification> said = classifier.classify(pool, texts);
  const size_t labels = classifier.config().labels.size();
  const bool several = classifier.config().task == ClassifyTask::kMultiLabel;
  LabelCounts counts(labels);
  int64_t right = 0;
  for (size_t i = 0; i < said.size(); ++i) {
    bool all = true;
    for (size_t k = 0; k < labels; ++k) {
      const bool here = several ? said[i].said[k] : said[i].best == k;
      const auto& wanted = examples[i].labels;
      const bool is_true =
          std::find(wanted.begin(), wanted.end(), static_cast<int32_t>(k)) != wanted.end();
      counts.add(k, here, is_true);
      all = all && here == is_true;
    }
    right += all;
  }
  const double accuracy = static_cast<double>(right) / static_cast<double>(said.size());
  if (several)
    return {
        {"micro_f1", counts.micro_f1()}, {"macro_f1", counts.macro_f1()}, {"accuracy", accuracy}};
  return {{"accuracy", accuracy}, {"macro_f1", counts.macro_f1()}, {"micro_f1", counts.micro_f1()}};
}

}  // namespace onmal
