// N-grams alone as a classifier: ngram_classes TRAIN DEV TEXT_COLUMN LABEL_COLUMN [key=value]…
// Or a recipe with [ngrams], run to its end, and what the joined model reaches: ngram_classes
// RECIPE Tables as 'onmal train' reads them. Keys: characters jamo_least jamo words stems
// lookalikes bits l2 nb (0 or 1) iterations least smoothing several (1: many labels a text, commas)
// extra (a table) extra_weight. Prints measures on DEV; choose by a slice of the training data.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>

#include "base/error.h"
#include "base/timer.h"
#include "train/label_metrics.h"
#include "train/labelled_data.h"
#include "train/ngram_training.h"
#include "train/trainer.h"

namespace {

using namespace onmal;

using Keys = std::map<std::string, std::string>;

struct Options {
  NgramConfig config;
  NgramTraining how;
  DataRecipe data;
  ClassifyTask task = ClassifyTask::kSingleLabel;
  std::string extra;  // a table of texts that count less
  float extra_weight = 0.3F;
  int32_t threads = 0;
};

Options read_options(const Keys& keys, char** arguments) {
  const auto number = [&](const char* key, double usual) {
    const auto found = keys.find(key);
    return found == keys.end() ? usual : std::stod(found->second);
  };
  const auto whole = [&](const char* key, int32_t usual) {
    return static_cast<int32_t>(number(key, usual));
  };
  Options o;
  o.config.characters = whole("characters", o.config.characters);
  o.config.jamo_least = whole("jamo_least", o.config.jamo_least);
  o.config.jamo = whole("jamo", o.config.jamo);
  o.config.words = whole("words", o.config.words);
  o.config.stems = whole("stems", o.config.stems);
  o.config.lookalikes = whole("lookalikes", o.config.lookalikes);
  o.config.bucket_bits = whole("bits", o.config.bucket_bits);
  o.how.l2 = number("l2", o.how.l2);
  o.how.naive_bayes = number("nb", 1) > 0;
  o.how.smoothing = number("smoothing", o.how.smoothing);
  o.how.iterations = whole("iterations", o.how.iterations);
  o.how.least_count = whole("least", o.how.least_count);
  if (number("several", 0) > 0) o.task = ClassifyTask::kMultiLabel;
  o.data.table = arguments[1];
  o.data.heldout_table = arguments[2];
  o.data.text_column = arguments[3];
  o.data.label_column = arguments[4];
  if (keys.contains("extra")) o.extra = keys.at("extra");
  o.extra_weight = static_cast<float>(number("extra_weight", o.extra_weight));
  o.threads = whole("threads", 0);
  return o;
}

std::vector<NgramExample> texts_to_learn(const Options& options, const LabelledData& tables,
                                         size_t outputs) {
  const size_t labels = tables.labels.size();
  std::vector<NgramExample> texts;
  for (const Example& example : tables.train) {
    NgramExample text{example.text, std::vector<int8_t>(labels), 1};
    for (const int32_t label : example.labels) text.targets[static_cast<size_t>(label)] = 1;
    texts.push_back(std::move(text));
  }
  if (!options.extra.empty()) {
    for (NgramExample& text :
         read_label_targets(options.extra, options.data, options.task, tables.labels)) {
      text.weight = options.extra_weight;
      texts.push_back(std::move(text));
    }
  }
  for (NgramExample& text : texts)
    if (outputs < labels) text.targets.erase(text.targets.begin());
  return texts;
}

// The share of texts that are right in every label; `counts` gets the labels.
double judge(const NgramModel& model, const LabelledData& tables, bool several, size_t outputs,
             LabelCounts& counts) {
  const size_t labels = tables.labels.size();
  double right = 0;
  for (const Example& example : tables.heldout) {
    std::vector<double> z = model.logits(example.text);
    if (outputs < labels) z.insert(z.begin(), 0.0);
    const auto best = static_cast<size_t>(std::max_element(z.begin(), z.end()) - z.begin());
    bool all = true;
    for (size_t k = 0; k < labels; ++k) {
      const bool said = several ? z[k] > 0 || k == best : k == best;
      const bool is_true = std::find(example.labels.begin(), example.labels.end(),
                                     static_cast<int32_t>(k)) != example.labels.end();
      counts.add(k, said, is_true);
      all = all && said == is_true;
    }
    right += all;
  }
  return right / static_cast<double>(tables.heldout.size());
}

int run(int count, char** arguments) {
  Keys keys;
  for (int i = 5; i < count; ++i) {
    const std::string argument = arguments[i];
    const size_t sign = argument.find('=');
    if (sign == std::string::npos) return 2;
    keys[argument.substr(0, sign)] = argument.substr(sign + 1);
  }
  const Options options = read_options(keys, arguments);
  const bool several = options.task == ClassifyTask::kMultiLabel;
  const Timer timer;
  const LabelledData tables = read_labelled_data(options.data, options.task);
  const size_t outputs = NgramPart::output_count(!several, tables.labels.size());
  ThreadPool pool(options.threads);
  const NgramModel model =
      train_ngrams(pool, texts_to_learn(options, tables, outputs), options.config, options.how);
  std::string bytes;
  model.write(bytes);
  LabelCounts counts(tables.labels.size());
  const double accuracy = judge(model, tables, several, outputs, counts);
  std::printf("accuracy %.4f  macro_f1 %.4f  micro_f1 %.4f  n %zu  %zu bytes  %.1f s\n", accuracy,
              counts.macro_f1(), counts.micro_f1(), tables.heldout.size(), bytes.size(),
              timer.seconds());
  return 0;
}

int run_recipe(const char* path) {
  Trainer trainer(load_recipe(path));
  trainer.resume();
  TrainCallbacks callbacks;
  callbacks.on_finish = [](const Evaluation& evaluation) {
    for (const auto& [name, value] : evaluation) std::printf("%s %.4f  ", name.c_str(), value);
    std::printf("\n");
  };
  trainer.run(callbacks, {});
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 && count < 5) {
    std::fprintf(stderr, "usage: ngram_classes TRAIN DEV TEXT_COLUMN LABEL_COLUMN [key=value]…\n");
    return 2;
  }
  try {
    return count == 2 ? run_recipe(arguments[1]) : run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
