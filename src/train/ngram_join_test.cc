#include "train/ngram_join.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "train/lbfgs.h"
#include "train/sample_data_testing.h"
#include "train/trainer.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

TEST(Lbfgs, FindsTheMinimumOfRosenbrocksValley) {
  std::vector<double> x = {-1.2, 1};
  LbfgsOptions options;
  options.tolerance = 1e-10;
  const double value = minimize_lbfgs(
      [](std::span<const double> at, std::span<double> gradient) {
        const double a = 1 - at[0], b = at[1] - at[0] * at[0];
        gradient[0] = -2 * a - 400 * at[0] * b;
        gradient[1] = 200 * b;
        return a * a + 100 * b * b;
      },
      x, options);
  EXPECT_LT(value, 1e-12);
  EXPECT_NEAR(x[0], 1, 1e-5);
  EXPECT_NEAR(x[1], 1, 1e-5);
}

// Texts of a few letters, by chance, whose label mostly follows from two of them.
std::vector<NgramExample> letter_texts(int count, uint64_t seed) {
  Rng rng(seed);
  std::vector<NgramExample> texts;
  for (int i = 0; i < count; ++i) {
    std::string text;
    for (uint64_t n = 3 + rng.below(8); n > 0; --n)
      text += static_cast<char>(rng.below(7) == 0 ? ' ' : 'a' + rng.below(6));
    const bool likely = text.find("ab") != std::string::npos || text.find('c') != std::string::npos;
    const auto target = static_cast<int8_t>(likely == (rng.below(5) > 0));
    texts.push_back({text + "z",
                     {target, static_cast<int8_t>(i % 3 == 0 ? -1 : 1 - target)},
                     rng.below(2) == 0 ? 0.5F : 1.0F});
  }
  return texts;
}

// Plain gradient descent over n-grams as strings, in double.
class SlowRegression {
 public:
  SlowRegression(const std::vector<NgramExample>& texts, size_t output, const NgramTraining& how) {
    std::map<std::string, int> seen;
    for (const NgramExample& text : texts)
      for (const std::string& gram : grams(text.text)) ++seen[gram];
    double sums[2] = {0, 0};
    std::map<std::string, double> counts[2];
    for (const auto& [gram, count] : seen) {
      if (count < how.least_count) continue;
      ratios_[gram] = 1;
      for (const int y : {0, 1}) {
        double& sum = counts[y][gram] = how.smoothing;
        for (const NgramExample& text : texts)
          if (text.targets[output] == y && grams(text.text).contains(gram))
            sum += static_cast<double>(text.weight);
        sums[y] += sum;
      }
    }
    if (how.naive_bayes)
      for (auto& [gram, ratio] : ratios_)
        ratio = std::log(counts[1][gram] / sums[1]) - std::log(counts[0][gram] / sums[0]);
    std::vector<std::set<std::string>> lists;
    for (const NgramExample& text : texts) lists.push_back(grams(text.text));
    for (int step = 0; step < 2500; ++step) {
      std::map<std::string, double> gradient;
      double bias_gradient = 0;
      for (size_t i = 0; i < texts.size(); ++i) {
        const NgramExample& text = texts[i];
        if (text.targets[output] < 0) continue;
        const auto& all = lists[i];
        const double slope = static_cast<double>(text.weight) *
                             (1 / (1 + std::exp(-logit(all))) - text.targets[output]);
        bias_gradient += slope;
        for (const std::string& gram : all)
          if (ratios_.contains(gram))
            gradient[gram] += slope * ratios_[gram] / std::sqrt(static_cast<double>(all.size()));
      }
      for (const auto& [gram, ratio] : ratios_)
        weights_[gram] -= kRate * (gradient[gram] + how.l2 * weights_[gram]);
      bias_ -= kRate * bias_gradient;
    }
  }
  double logit(const std::string& text) { return logit(grams(text)); }

 private:
  double logit(const std::set<std::string>& all) {
    double sum = 0;
    for (const std::string& gram : all)
      if (ratios_.contains(gram)) sum += ratios_[gram] * weights_[gram];
    return bias_ + sum / std::sqrt(static_cast<double>(all.size()));
  }

  static constexpr double kRate = 0.008;
  static std::set<std::string> grams(const std::string& text) {
    std::string spaced = " ";
    for (const char c : text + " ")
      if (c != ' ' || spaced.back() != ' ') spaced += c;
    if (spaced.back() != ' ') spaced += ' ';
    std::set<std::string> all;
    for (size_t i = 0; i < spaced.size(); ++i)
      for (size_t n = 1; n <= 2 && i + n <= spaced.size(); ++n) all.insert(spaced.substr(i, n));
    return all;
  }
  std::map<std::string, double> ratios_, weights_;
  double bias_ = 0;
};

NgramConfig pairs_of_letters() {
  NgramConfig config;
  config.characters = 2;
  config.jamo = config.words = 0;
  config.bucket_bits = 20;
  return config;
}

TEST(NgramTraining, ReachesWhatPlainDescentReaches) {
  // No letter three times in a row: folding would shorten it.
  std::vector<NgramExample> texts;
  for (NgramExample& text : letter_texts(45, 1)) {
    bool runs = false;
    for (size_t i = 3; i < text.text.size(); ++i)
      runs = runs || (text.text[i] == text.text[i - 1] && text.text[i] == text.text[i - 2] &&
                      text.text[i] == text.text[i - 3]);
    if (!runs) texts.push_back(std::move(text));
  }
  ThreadPool one(1), three(3);
  for (const bool naive_bayes : {false, true}) {
    NgramTraining how;
    how.naive_bayes = naive_bayes;
    how.l2 = 0.5;
    how.iterations = 500;
    const NgramModel model = train_ngrams(one, texts, pairs_of_letters(), how);
    std::string bytes, again;
    model.write(bytes);
    train_ngrams(three, texts, pairs_of_letters(), how).write(again);
    EXPECT_EQ(bytes, again);
    for (const size_t output : {0U, 1U}) {
      SlowRegression slow(texts, output, how);
      for (const char* text : {"abz", "cz", "dfz", "a b c dz", "fffefz"})
        EXPECT_NEAR(model.logits(text)[output], slow.logit(text), 0.05) << text << naive_bayes;
    }
  }
  EXPECT_THROW(train_ngrams(one, {}, pairs_of_letters(), {}), Error);
}

// Logits of two noisy judges of a hidden truth.
MixingData two_judges(size_t outputs, bool choice, size_t texts) {
  MixingData data;
  data.outputs = outputs;
  data.choice = choice;
  Rng rng(11);
  const auto noise = [&] { return rng.uniform() + rng.uniform() + rng.uniform() - 1.5; };
  for (size_t i = 0; i < texts; ++i) {
    const size_t chosen = rng.below(outputs);
    for (size_t k = 0; k < outputs; ++k) {
      const bool is_true = choice && outputs > 1 ? k == chosen : rng.below(k + 2) == 0;
      data.targets.push_back(is_true ? 1 : 0);
      data.head.push_back((is_true ? 1.0 : -1.0) + 2 * noise());
      data.ngrams.push_back(3 * ((is_true ? 1.0 : -1.0) + 2 * noise()) + 2);
    }
  }
  return data;
}

double right_share(const MixingData& data, const MixingRule& rule) {
  double right = 0;
  for (size_t at = 0; at < data.targets.size(); ++at) {
    const double z = static_cast<double>(rule.head) * data.head[at] +
                     static_cast<double>(rule.ngrams) * data.ngrams[at] +
                     static_cast<double>(rule.bias);
    right += (z > 0) == (data.targets[at] > 0);
  }
  return right / static_cast<double>(data.targets.size());
}

TEST(Mixing, TwoJudgesTogetherAreBetterThanEither) {
  const MixingData data = two_judges(1, true, 4000);
  const std::vector<MixingRule> rules = fit_mixing(data);
  ASSERT_EQ(rules.size(), 1U);
  // The same judges on other scales: weights undo them.
  EXPECT_NEAR(rules[0].head / rules[0].ngrams, 3, 0.4);
  EXPECT_GT(right_share(data, rules[0]), right_share(data, {1, 0, 0}) + 0.03);
  EXPECT_GT(right_share(data, rules[0]), right_share(data, {0, 1, -2}) + 0.03);
}

TEST(Mixing, ChoicesShareTheirWeights) {
  const std::vector<MixingRule> rules = fit_mixing(two_judges(3, true, 2000));
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].head, rules[2].head);
  EXPECT_NEAR(rules[1].head / rules[1].ngrams, 3, 0.5);
}

TEST(Mixing, TheThresholdIsThatOfTheBestF1) {
  const MixingData data = two_judges(4, false, 300);
  for (const bool at_least_one : {false, true}) {
    NgramPart part;
    part.rules = fit_mixing(data);
    part.at_least_one = at_least_one;
    fit_threshold(data, part);
    const auto f1_at = [&](double threshold) {
      double said = 0, right = 0, positive = 0;
      for (size_t i = 0; i < data.texts(); ++i) {
        std::vector<double> p;
        for (size_t k = 0; k < 4; ++k) {
          const MixingRule& r = part.rules[k];
          const double z = static_cast<double>(r.head) * data.head[i * 4 + k] +
                           static_cast<double>(r.ngrams) * data.ngrams[i * 4 + k] +
                           static_cast<double>(r.bias);
          p.push_back(1 / (1 + std::exp(-z)));
        }
        const auto likeliest = std::max_element(p.begin(), p.end()) - p.begin();
        const bool none = *std::max_element(p.begin(), p.end()) < threshold;
        for (size_t k = 0; k < 4; ++k) {
          const bool is_said =
              p[k] >= threshold || (none && at_least_one && static_cast<size_t>(likeliest) == k);
          said += is_said;
          positive += data.targets[i * 4 + k] > 0;
          right += is_said && data.targets[i * 4 + k] > 0;
        }
      }
      return 2 * right / (said + positive);
    };
    const double found = f1_at(static_cast<double>(part.rules[0].threshold));
    for (int hundredths = 5; hundredths <= 95; ++hundredths)
      EXPECT_LE(f1_at(hundredths / 100.0), found + 1e-4) << hundredths;
  }
}

// Small runs from recipes to joined models.
class NgramJoinTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("onmal_join_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    testing::write_sample_data(ONMAL_SOURCE_DIR, folder_, 420);
    write_tables("train", 0, 300);
    write_tables("mix", 300, 420);
    write_tables("dev", 420, 540);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The last word's letters tell the label; a third of the texts have a second one.
  void write_tables(const std::string& name, int begin, int end) const {
    std::string single = "text\tlabel\n", several = single;
    for (int i = begin; i < end; ++i) {
      const bool good = i * 7 % 5 > 2;
      const std::string text = "영화 " + std::to_string(i) + (good ? " 좋네" : " 싫다");
      single += text + "\t" + (good ? "긍정" : "부정") + "\n";
      several += text + (i % 3 == 0 ? " 욕" : "") + "\t" + (good ? "g" : "b") +
                 (i % 3 == 0 ? ",x" : "") + "\n";
    }
    write_file(folder_ / (name + "-single.tsv"), single);
    write_file(folder_ / (name + "-several.tsv"), several);
  }
  Recipe recipe(const std::string& kind, const std::string& more = "", int steps = 4) const {
    const std::string problem = kind == "several" ? "multi_label" : "single_label";
    return parse_recipe(
        "[model]\narchitecture = \"bert\"\nvocab_size = 420\ndim = 32\nlayers = 1\nheads = 2\n"
        "ffn_dim = 64\nmax_positions = 64\n[objective]\ntask = \"classification\"\nproblem = \"" +
            problem + "\"\n[data]\ntokenizer = \"tokenizer.json\"\nlength = 48\ntable = \"train-" +
            kind + ".tsv\"\nheldout_table = \"dev-" + kind +
            ".tsv\"\n[ngrams]\nbucket_bits = 16\nmix_table = \"mix-" + kind + ".tsv\"\n" + more +
            "[run]\nsteps = " + std::to_string(steps) + "\nbatch = 8\noutput = \"" +
            (folder_ / "run").string() + "\"\n",
        folder_ / "recipe.toml");
  }
  Evaluation run(Recipe recipe) const {
    Evaluation result;
    TrainCallbacks callbacks;
    callbacks.on_finish = [&](const Evaluation& evaluation) { result = evaluation; };
    Trainer trainer(std::move(recipe));
    trainer.run(callbacks, {});
    return result;
  }

  fs::path folder_;
};

TEST_F(NgramJoinTest, AHeadThatKnowsLittleIsHelped) {
  for (const std::string kind : {"single", "several"}) {
    const Evaluation evaluation = run(recipe(kind));
    ASSERT_FALSE(evaluation.empty());
    EXPECT_EQ(evaluation[0].first, kind == "single" ? "accuracy" : "micro_f1");
    EXPECT_GT(evaluation[0].second, 0.97) << kind;
    const Classifier loaded(folder_ / "run/model");
    ASSERT_NE(loaded.ngrams(), nullptr);
    ThreadPool pool(1);
    const auto said = loaded.classify(pool, std::vector<std::string>{"영화 좋네 욕"})[0];
    EXPECT_EQ(loaded.config().labels[said.best][0], kind == "single" ? "긍정"[0] : 'g');
    if (kind == "several") {
      EXPECT_EQ(said.said, (std::vector<bool>{false, true, true}));
      EXPECT_TRUE(loaded.ngrams()->at_least_one);
    }
    EXPECT_NE(read_file(folder_ / "run/log.jsonl").find("\"finished\": 4"), std::string::npos);
    fs::remove_all(folder_ / "run");
  }
}

TEST_F(NgramJoinTest, AFinishedModelIsJoinedWithoutAStep) {
  run(recipe("single"));
  const std::string weights = read_file(folder_ / "run/model/model.safetensors");
  fs::rename(folder_ / "run", folder_ / "first");
  Recipe joined = recipe("single", "", 0);
  joined.from = folder_ / "first/model";
  EXPECT_GT(run(joined)[0].second, 0.97);
  EXPECT_EQ(read_file(folder_ / "run/model/model.safetensors"), weights);
  // A damaged part is an error, one of other labels too; a new head takes the old part away.
  const fs::path part = folder_ / "run/model" / kNgramFile;
  std::string bytes = read_file(part);
  bytes[bytes.size() / 2] ^= 1;
  write_file(part, bytes);
  EXPECT_THROW(Classifier(folder_ / "run/model"), Error);
  Classifier(folder_ / "first/model").save(folder_ / "run/model", DType::kF32);
  EXPECT_FALSE(fs::exists(part));
}

TEST_F(NgramJoinTest, ExtraTextsMayKnowLess) {
  std::string extra = "text\tlabel\n";
  for (int i = 0; i < 50; ++i) extra += "젠장 " + std::to_string(i) + "\t!g\n";
  write_file(folder_ / "extra.tsv", extra);
  run(recipe("several", "extra_table = \"extra.tsv\"\nextra_weight = 1.0\n"));
  const Classifier loaded(folder_ / "run/model");
  const std::vector<double> z = loaded.ngrams()->model.logits("젠장 7");
  const std::vector<double> other = loaded.ngrams()->model.logits("영화 7");
  EXPECT_LT(z[1], other[1] - 1);     // g
  EXPECT_NEAR(z[0], other[0], 1.5);  // b: nobody said
  write_file(folder_ / "extra.tsv", "text\tlabel\na\t!q\n");
  EXPECT_THROW(run(recipe("several", "extra_table = \"extra.tsv\"\n")), Error);
}

TEST_F(NgramJoinTest, RefusesTextsThatWereLearned) {
  fs::copy_file(folder_ / "train-single.tsv", folder_ / "mix-single.tsv",
                fs::copy_options::overwrite_existing);
  EXPECT_THROW(run(recipe("single")), Error);
  EXPECT_THROW(recipe("single", "characters = 40\n"), Error);
  EXPECT_THROW(recipe("single", "mixtable = \"x\"\n"), Error);
}

}  // namespace
}  // namespace onmal
