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

int run(int count, char** arguments) {
  std::map<std::string, std::string> keys;
  for (int i = 5; i < count; ++i) {
    const std::string argument = arguments[i];
    const size_t sign = argument.find('=');
    if (sign == std::string::npos) return 2;
    keys[argument.substr(0, sign)] = argument.substr(sign + 1);
  }
  const auto number = [&](const char* key, double usual) {
    return keys.contains(key) ? std::stod(keys[key]) : usual;
  };
  const auto whole = [&](const char* key, int32_t usual) {
    return static_cast<int32_t>(number(key, usual));
  };
  NgramConfig config;
  config.characters = whole("characters", config.characters);
  config.jamo_least = whole("jamo_least", config.jamo_least);
  config.jamo = whole("jamo", config.jamo);
  config.words = whole("words", config.words);
  config.stems = whole("stems", config.stems);
  config.lookalikes = whole("lookalikes", config.lookalikes);
  config.bucket_bits = whole("bits", config.bucket_bits);
  NgramTraining how;
  how.l2 = number("l2", how.l2);
  how.naive_bayes = number("nb", 1) > 0;
  how.smoothing = number("smoothing", how.smoothing);
  how.iterations = whole("iterations", how.iterations);
  how.least_count = whole("least", how.least_count);
  const bool several = number("several", 0) > 0;
  const auto task = several ? ClassifyTask::kMultiLabel : ClassifyTask::kSingleLabel;
  DataRecipe data;
  data.table = arguments[1];
  data.heldout_table = arguments[2];
  data.text_column = arguments[3];
  data.label_column = arguments[4];
  const Timer timer;
  const LabelledData tables = read_labelled_data(data, task);
  const size_t labels = tables.labels.size();
  const size_t outputs = NgramPart::output_count(!several, labels);
  std::vector<NgramExample> texts;
  for (const Example& example : tables.train) {
    NgramExample text{example.text, std::vector<int8_t>(labels), 1};
    for (const int32_t label : example.labels) text.targets[static_cast<size_t>(label)] = 1;
    texts.push_back(std::move(text));
  }
  if (keys.contains("extra")) {
    for (NgramExample& text : read_label_targets(keys["extra"], data, task, tables.labels)) {
      text.weight = static_cast<float>(number("extra_weight", 0.3));
      texts.push_back(std::move(text));
    }
  }
  for (NgramExample& text : texts)
    if (outputs < labels) text.targets.erase(text.targets.begin());
  ThreadPool pool(whole("threads", 0));
  const NgramModel model = train_ngrams(pool, texts, config, how);
  std::string bytes;
  model.write(bytes);
  LabelCounts counts(labels);
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
  std::printf("accuracy %.4f  macro_f1 %.4f  micro_f1 %.4f  n %zu  %zu bytes  %.1f s\n",
              right / static_cast<double>(tables.heldout.size()), counts.macro_f1(),
              counts.micro_f1(), tables.heldout.size(), bytes.size(), timer.seconds());
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
