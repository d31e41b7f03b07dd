#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "models/adapter.h"
#include "models/classifier.h"
#include "models/encoder_decoder_model.h"
#include "models/masked_head.h"
#include "models/text_encoder.h"
#include "models/text_pair.h"
#include "tokenizer/tokenizer_json.h"
#include "train/label_metrics.h"
#include "train/labelled_data.h"
#include "train/pair_source.h"
#include "train/sample_data_testing.h"
#include "train/trainer.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

// A folder with a tokenizer that has the marks of every task, shards, and small tables.
class ObjectivesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("onmal_objectives_" + std::to_string(::getpid()) +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    testing::write_sample_data(ONMAL_SOURCE_DIR, folder_, 420,
                               {"[MASK]", "<extra_id_0>", "<extra_id_1>", "<extra_id_2>"});
    write_tables();
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Texts whose first word tells the label; 400 rows.
  void write_tables() {
    const char* good[] = {"좋다", "great", "멋진", "fine"};
    const char* bad[] = {"나쁘다", "awful", "지루한", "poor"};
    std::string single = "id\tdocument\tlabel\n";
    std::string several = "text,labels\n";
    std::string numbers;
    std::string words;
    std::string pairs = "en\tko\n";
    for (int i = 0; i < 400; ++i) {
      const int which = i / 2 % 4;
      const std::string text =
          std::string(i % 2 ? good[which] : bad[which]) + " 영화 " + std::to_string(i * 7 % 100);
      single += std::to_string(i) + "\t" + text + "\t" + (i % 2 ? "긍정" : "부정") + "\n";
      several += text + ",\"" + (i % 2 ? "g" : "b") + (which == 1 ? ",x" : "") + "\"\n";
      numbers += "{\"text\": \"" + text + "\", \"label\": " + (i % 2 ? "1.5" : "-1") + "}\n";
      words += "{\"text\": \"" + text + "\", \"label\": [\"" + (i % 2 ? "G" : "B") +
               "\", \"O\", \"N\"]}\n";
      pairs += text + "\t" + std::to_string(i * 7 % 100) + "\n";
    }
    write_file(folder_ / "single.tsv", single);
    write_file(folder_ / "several.csv", several);
    write_file(folder_ / "numbers.jsonl", numbers);
    write_file(folder_ / "words.jsonl", words);
    write_file(folder_ / "pairs.tsv", pairs);
  }

  std::string text(const std::string& architecture, const std::string& objective,
                   const std::string& data, const std::string& run = "") const {
    const bool decoder = architecture == "qwen3";
    return "[model]\narchitecture = \"" + architecture +
           "\"\nvocab_size = 420\ndim = 32\nlayers = 2\nheads = 2\n" +
           (decoder ? "kv_heads = 1\n" : "") +
           "head_dim = 16\nffn_dim = 64\nmax_positions = 96\n[objective]\n" + objective +
           "\n[data]\ntokenizer = \"tokenizer.json\"\nlength = 64\n" + data +
           "\n[optimizer]\nlearning_rate = 0.005\n[schedule]\nwarmup_steps = 5\n[run]\nsteps = "
           "60\nbatch = 16\nseed = 4\noutput = \"" +
           (folder_ / "run").string() + "\"\n" + run;
  }
  Recipe parse(const std::string& recipe) const {
    return parse_recipe(recipe, folder_ / "recipe.toml");
  }
  static std::string weights_of(Trainer& trainer) {
    std::string bytes;
    trainer.objective().visit([&](Param& param) {
      bytes.append(param.value.data_as<char>(), static_cast<size_t>(param.value.bytes()));
    });
    return bytes;
  }
  // One and two threads agree, a stopped run goes on bit for bit, and it learns.
  void check_run(const std::string& recipe, double least_gain) {
    Trainer one(parse(recipe + "threads = 1\n"));
    Trainer two(parse(recipe + "threads = 2\n"));
    for (int step = 0; step < 10; ++step)
      ASSERT_EQ(one.train_step(0.005), two.train_step(0.005)) << step;
    EXPECT_EQ(weights_of(one), weights_of(two));

    Trainer whole(parse(recipe));
    const double before = whole.evaluate();
    whole.run({}, {});
    const double sign = whole.objective().watched().more_is_better ? 1.0 : -1.0;
    const double after = whole.evaluate();
    EXPECT_TRUE(sign * (after - before) > least_gain || (sign > 0 && after > 0.98))
        << before << " -> " << after;
    const std::string expected = weights_of(whole);
    fs::remove_all(folder_ / "run");
    std::stop_source stop;
    TrainCallbacks callbacks;
    callbacks.on_step = [&](const StepReport& report) {
      if (report.step == 23) stop.request_stop();
    };
    Trainer(parse(recipe)).run(callbacks, stop.get_token());
    Trainer resumed(parse(recipe));
    ASSERT_TRUE(resumed.resume());
    EXPECT_EQ(resumed.steps_done(), 23);
    resumed.run({}, {});
    EXPECT_TRUE(weights_of(resumed) == expected);
  }
  std::string message_of(const std::function<void()>& body) const {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
};

const char* const kSingle =
    "table = \"single.tsv\"\ntext_column = \"document\"\nheldout_permille = 200";

TEST_F(ObjectivesTest, DecodersClassify) {
  for (const char* pooling : {"last", "mean"}) {
    const std::string recipe = text(
        "qwen3", std::string("task = \"classification\"\npooling = \"") + pooling + "\"", kSingle);
    check_run(recipe, 0.25);
    const Classifier loaded(folder_ / "run/model");
    EXPECT_EQ(loaded.config().labels, (std::vector<std::string>{"긍정", "부정"}));
    ThreadPool pool(1);
    const std::vector<std::string> texts = {"great 영화 3", "지루한 영화 4", ""};
    const std::vector<Classification> results = loaded.classify(pool, texts);
    EXPECT_EQ(results[0].best, 0U);
    EXPECT_EQ(results[1].best, 1U);
    EXPECT_NEAR(results[2].scores[0] + results[2].scores[1], 1.0F, 1e-5F);
    fs::remove_all(folder_ / "run");
  }
}

TEST_F(ObjectivesTest, EncodersClassifyAndKeepTheBest) {
  for (const char* architecture : {"bert", "roberta"}) {
    for (const char* pooling : {"cls", "mean"}) {
      const std::string recipe = text(
          architecture, std::string("task = \"classification\"\npooling = \"") + pooling + "\"",
          kSingle, "keep_best = true\nevaluate_every = 10\n");
      check_run(recipe, 0.25);
      const Classifier loaded(folder_ / "run/model");
      EXPECT_EQ(loaded.config().pooling,
                std::string(pooling) == "cls" ? Pooling::kCls : Pooling::kMean);
      ThreadPool pool(1);
      EXPECT_EQ(loaded.classify(pool, std::vector<std::string>{"awful 영화"})[0].best, 1U);
      EXPECT_NE(read_file(folder_ / "run/log.jsonl").find("\"accuracy\": "), std::string::npos);
      fs::remove_all(folder_ / "run");
    }
  }
}

TEST_F(ObjectivesTest, HiddenTokensAreOthersEachTimeAndNoneWhenJudged) {
  const auto recipe = [&](const char* share) {
    return text("bert", std::string("task = \"classification\"\ntoken_dropout = ") + share,
                kSingle);
  };
  check_run(recipe("0.1"), 0.2);
  fs::remove_all(folder_ / "run");
  Trainer plain(parse(recipe("0.0")));
  Trainer hiding(parse(recipe("0.3")));
  EXPECT_EQ(plain.evaluate(), hiding.evaluate());
  const int32_t mask = load_tokenizer_json(folder_ / "tokenizer.json")->find("[MASK]");
  CachingAllocator memory;
  const auto hidden = [&](Trainer& trainer, uint64_t position) {
    const TrainBatch batch = trainer.objective().make_batch(memory, position, 200);
    std::vector<int64_t> places;
    for (int64_t i = 0; i < batch.ids.elements(); ++i)
      if (batch.ids.i32()[i] == mask) places.push_back(i);
    const double share =
        static_cast<double>(places.size()) / static_cast<double>(batch.ids.elements());
    return std::pair(places, share);
  };
  EXPECT_TRUE(hidden(plain, 0).first.empty());
  const auto once = hidden(hiding, 0);
  EXPECT_NEAR(once.second, 0.3, 0.1);
  EXPECT_EQ(once.first, hidden(hiding, 0).first);
  EXPECT_NE(once.first, hidden(hiding, 400).first);
}

TEST_F(ObjectivesTest, SeveralLabelsNumbersAndWords) {
  const std::string split = "\nheldout_permille = 200\n";
  check_run(text("bert", "task = \"classification\"\nproblem = \"multi_label\"",
                 "table = \"several.csv\"\nlabel_column = \"labels\"" + split),
            0.2);
  fs::remove_all(folder_ / "run");
  check_run(text("bert", "task = \"classification\"\nproblem = \"regression\"",
                 "table = \"numbers.jsonl\"" + split),
            0.5);
  const Classifier numbers(folder_ / "run/model");
  EXPECT_EQ(numbers.config().task, ClassifyTask::kRegression);
  fs::remove_all(folder_ / "run");
  for (const char* architecture : {"bert", "qwen3"}) {
    check_run(text(architecture, "task = \"classification\"\nproblem = \"tokens\"",
                   "table = \"words.jsonl\"" + split),
              0.3);
    const Classifier words(folder_ / "run/model");
    EXPECT_EQ(words.config().task, ClassifyTask::kTokens);
    ThreadPool pool(1);
    const Classification result = words.classify(pool, std::vector<std::string>{"great 영화 3"})[0];
    EXPECT_EQ(words.config().labels[result.tokens[0].best], "G");
    fs::remove_all(folder_ / "run");
  }
}

// Both texts together are the same whatever the label: only which is which tells.
TEST_F(ObjectivesTest, PairsAreTold) {
  std::string table = "premise\thypothesis\tlabel\n";
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(i % 50);
    const bool good = i % 2 == 0;
    table += (good ? "great " : "awful ") + number + "\t" + (good ? "awful " : "great ") + number +
             "\t" + (good ? "entailment" : "contradiction") + "\n";
  }
  write_file(folder_ / "twins.tsv", table);
  const std::string data =
      "table = \"twins.tsv\"\ntext_column = \"premise\"\npair_column = \"hypothesis\"\n"
      "heldout_permille = 200";
  check_run(text("bert", "task = \"classification\"\npooling = \"mean\"", data), 0.3);
  const Classifier loaded(folder_ / "run/model");
  ThreadPool pool(1);
  const std::vector<std::pair<std::string, std::string>> pairs = {{"great 7", "awful 7"},
                                                                  {"awful 7", "great 7"}};
  const std::vector<Classification> said = classify_pairs(loaded, pool, pairs);
  EXPECT_EQ(loaded.config().labels[said[0].best], "entailment");
  EXPECT_EQ(loaded.config().labels[said[1].best], "contradiction");
  EXPECT_NE(
      message_of([&] {
        parse(text("bert", "task = \"masked\"", "train = \"train.tok\"\npair_column = \"b\""));
      }).find("pair_column"),
      std::string::npos);
}

// What the trainer sees is what a loaded model computes.
TEST_F(ObjectivesTest, SavedClassifiersGiveTheSameLogits) {
  Trainer trainer(parse(text("bert", "task = \"classification\"", kSingle)));
  trainer.run({}, {});
  const double accuracy = trainer.evaluate();
  const Classifier loaded(folder_ / "run/model");
  DataRecipe data = parse(text("bert", "task = \"classification\"", kSingle)).data;
  const LabelledData labelled = read_labelled_data(data, ClassifyTask::kSingleLabel);
  std::vector<std::string> texts;
  for (const Example& example : labelled.heldout) texts.push_back(example.text);
  ThreadPool pool(2);
  const std::vector<Classification> results = loaded.classify(pool, texts);
  int64_t right = 0;
  for (size_t i = 0; i < texts.size(); ++i)
    right += static_cast<int32_t>(results[i].best) == labelled.heldout[i].labels[0];
  EXPECT_DOUBLE_EQ(static_cast<double>(right) / static_cast<double>(texts.size()), accuracy);
}

TEST_F(ObjectivesTest, EncodersLearnMaskedTokensAndAreTunedOn) {
  const std::string data = "train = \"train.tok\"\nheldout = \"heldout.tok\"";
  const std::string recipe = text("bert", "task = \"masked\"", data);
  check_run(recipe, 0.3);
  Rng rng(1);
  MaskedLanguageModel loaded = load_masked_language_model(folder_ / "run/model", rng);
  EXPECT_EQ(loaded.base.encoder->config().dim, 32);
  fs::rename(folder_ / "run/model", folder_ / "base");
  std::string tuned = text("bert", "task = \"classification\"", kSingle);
  tuned.replace(0, tuned.find("[objective]"), "[model]\nfrom = \"base\"\n");
  fs::remove_all(folder_ / "run");
  Trainer trainer(parse(tuned));
  EXPECT_TRUE(std::isfinite(trainer.train_step(0.001)));
  // The same masks whenever a position comes, others at another one.
  Trainer masked(parse(recipe));
  CachingAllocator memory;
  const TrainBatch a = masked.objective().make_batch(memory, 3, 2);
  const TrainBatch b = masked.objective().make_batch(memory, 3, 2);
  ASSERT_EQ(a.rows.elements(), b.rows.elements());
  EXPECT_TRUE(std::equal(a.ids.i32(), a.ids.i32() + a.ids.elements(), b.ids.i32()));
  const double share = static_cast<double>(a.counted) / static_cast<double>(a.ids.elements());
  EXPECT_NEAR(share, 0.15, 0.08);
}

// With layers and as a bag of tokens; what is saved embeds texts.
TEST_F(ObjectivesTest, EncodersLearnVectorsOfPairs) {
  const std::string data =
      "table = \"pairs.tsv\"\nsource_column = \"en\"\ntarget_column = "
      "\"ko\"\nheldout_permille = 200";
  for (const char* layers : {"layers = 2", "layers = 0"}) {
    std::string recipe = text("bert", "task = \"contrastive\"\ntemperature = 0.1", data);
    recipe.replace(recipe.find("layers = 2"), 10, layers);
    check_run(recipe, 0.2);
    fs::remove_all(folder_ / "run");
    Trainer(parse(recipe)).run({}, {});
    const TextEncoder encoder(folder_ / "run/model");
    EXPECT_EQ(encoder.pooling(), Pooling::kMean);
    ThreadPool pool(1);
    const std::vector<std::vector<int32_t>> ids = {encoder.tokenizer()->encode("great 영화 77"),
                                                   encoder.tokenizer()->encode("77"),
                                                   encoder.tokenizer()->encode("5")};
    const std::vector<TextVector> vectors = encoder.embed(pool, ids);
    const auto nearness = [&](size_t other) {
      double sum = 0;
      for (size_t i = 0; i < vectors[0].values.size(); ++i)
        sum += static_cast<double>(vectors[0].values[i]) *
               static_cast<double>(vectors[other].values[i]);
      return sum;
    };
    EXPECT_GT(nearness(1), nearness(2));
    fs::remove_all(folder_ / "run");
  }
}

TEST_F(ObjectivesTest, EncoderDecodersLearnPairs) {
  for (const char* architecture : {"t5", "marian"}) {
    check_run(text(architecture, "task = \"pairs\"",
                   "table = \"pairs.tsv\"\nsource_column = \"en\"\ntarget_column = "
                   "\"ko\"\nheldout_permille = 100"),
              1.0);
    EncoderDecoderModel loaded = load_encoder_decoder(folder_ / "run/model");
    EXPECT_EQ(loaded.network->config().decoder.layers, 2);
    fs::remove_all(folder_ / "run");
  }
}

TEST_F(ObjectivesTest, EncoderDecodersLearnCutOutSpans) {
  check_run(text("t5", "task = \"denoising\"", "train = \"train.tok\"\nheldout = \"heldout.tok\""),
            0.5);
}

// A small decoder trained a little, as a folder and as a q8_0 file: what adapters are trained upon.
void make_base(const Recipe& recipe, const fs::path& folder) {
  Trainer trainer(recipe);
  for (int step = 0; step < 8; ++step) trainer.train_step(0.005);
  save_hugging_face(trainer.model(), folder / "base", DType::kF32);
  save_gguf(trainer.model(), folder / "base.gguf", DType::kQ8_0);
}

TEST_F(ObjectivesTest, AdaptersTrainBesideBasesAsStored) {
  const std::string data = "train = \"train.tok\"\nheldout = \"heldout.tok\"";
  make_base(parse(text("qwen3", "task = \"text\"", data)), folder_);
  const auto tuned = [&](const std::string& base, const std::string& kind) {
    std::string recipe = text("qwen3", "task = \"text\"", data);
    recipe.replace(0, recipe.find("[objective]"),
                   "[model]\nfrom = \"" + base + "\"\n[adapter]\nkind = \"" + kind +
                       "\"\nrank = 4\nalpha = 8\n");
    return recipe;
  };
  for (const char* kind : {"lora", "rslora", "dora"}) {
    check_run(tuned("base.gguf", kind), -0.2);  // so little text tells nothing of other text
    // The adapter is what was trained, and it comes back.
    Trainer trainer(parse(tuned("base.gguf", kind)));
    ASSERT_TRUE(trainer.resume());
    const double trained = trainer.evaluate();
    LanguageModel loaded = load_language_model(folder_ / "base.gguf");
    load_adapter(loaded, folder_ / "run/adapter");
    EXPECT_TRUE(loaded.decoder != nullptr);
    Trainer fresh(parse(tuned("base.gguf", kind)));
    EXPECT_NE(trained, fresh.evaluate());
    fs::remove_all(folder_ / "run");
  }
  // Beside a q8_0 base the loss falls as it does beside an f32 one.
  Trainer whole(parse(tuned("base", "lora")));
  Trainer quantised(parse(tuned("base.gguf", "lora")));
  for (int step = 0; step < 30; ++step) {
    const double loss = whole.train_step(0.005);
    EXPECT_NEAR(quantised.train_step(0.005), loss, 0.02 * loss);
  }
}

TEST_F(ObjectivesTest, PreferencesAreLearnedWithAndWithoutAnAdapter) {
  std::string pairs;
  for (int i = 0; i < 120; ++i) {
    pairs += "{\"prompt\": \"영화 " + std::to_string(i) +
             "?\", \"chosen\": \"great 좋다\", \"rejected\": \"awful 나쁘다 poor\"}\n";
  }
  write_file(folder_ / "preferences.jsonl", pairs);
  make_base(
      parse(text("qwen3", "task = \"text\"", "train = \"train.tok\"\nheldout = \"heldout.tok\"")),
      folder_);
  for (const char* adapter : {"", "[adapter]\nrank = 4\n"}) {
    std::string recipe = text("qwen3", "task = \"preference\"\nbeta = 0.3\nlabel_smoothing = 0.05",
                              "table = \"preferences.jsonl\"\nheldout_permille = 100");
    recipe.replace(0, recipe.find("[objective]"),
                   std::string("[model]\nfrom = \"base\"\n") + adapter);
    // At first the model is its reference.
    Trainer trainer(parse(recipe));
    const double first = trainer.train_step(0.001);
    EXPECT_NEAR(first, std::log(2.0), 1e-4);
    check_run(recipe, 0.5);
    fs::remove_all(folder_ / "run");
  }
  write_file(folder_ / "bad.jsonl", "{\"prompt\": \"a\", \"chosen\": \"b\"}\n");
  std::string bad = text("qwen3", "task = \"preference\"", "table = \"bad.jsonl\"");
  bad.replace(0, bad.find("[objective]"), "[model]\nfrom = \"base\"\n");
  EXPECT_NE(message_of([&] { Trainer(parse(bad)); }).find("row 1: has no 'rejected'"),
            std::string::npos);
}

TEST_F(ObjectivesTest, BadDataIsAnErrorThatSaysWhere) {
  const auto classify = [&](const std::string& table, const std::string& more = "",
                            const std::string& problem = "single_label") {
    return message_of([&] {
      Trainer(parse(text("bert", "task = \"classification\"\nproblem = \"" + problem + "\"",
                         "table = \"" + table + "\"\n" + more)));
    });
  };
  EXPECT_NE(classify("single.tsv").find("no column 'text' in the first row"), std::string::npos);
  write_file(folder_ / "dev.tsv", "document\tlabel\n좋다\t중립\n");
  EXPECT_NE(classify("single.tsv", "text_column = \"document\"\nheldout_table = \"dev.tsv\"")
                .find("dev.tsv, row 1: the label '중립' is never seen in training"),
            std::string::npos);
  write_file(folder_ / "empty.tsv", "text\tlabel\n");
  EXPECT_NE(classify("empty.tsv").find("the training split is empty"), std::string::npos);
  write_file(folder_ / "few.tsv", "text\tlabel\na\tx\nb\ty\n");
  EXPECT_NE(classify("few.tsv", "heldout_permille = 1").find("the held-out split is empty"),
            std::string::npos);
  write_file(folder_ / "short.tsv", "text\tlabel\na\tx\nb\n");
  EXPECT_NE(classify("short.tsv").find("short.tsv, row 2: has no 'label'"), std::string::npos);
  write_file(folder_ / "alike.tsv", "text\tlabel\na\tx\nb\tx\n");
  EXPECT_NE(classify("alike.tsv", "heldout_permille = 0").find("one label only: 'x'"),
            std::string::npos);
  EXPECT_NE(classify("few.tsv", "heldout_permille = 0", "regression").find("'x' is no number"),
            std::string::npos);
  EXPECT_NE(
      classify("single.tsv", "text_column = \"document\"", "tokens").find("3 words and 1 labels"),
      std::string::npos);
  write_file(folder_ / "lines.jsonl", "{\"text\": \"a\"}\n");
  EXPECT_NE(classify("lines.jsonl").find("row 1: has no 'label'"), std::string::npos);
  EXPECT_NE(message_of([&] {
              Trainer(parse(text("bert", "task = \"pairs\"", "table = \"pairs.tsv\"")));
            }).find("this task trains encoder-decoders"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              parse(text("bert", "task = \"masked\"", "table = \"pairs.tsv\""));
            }).find("needs data.train"),
            std::string::npos);
  EXPECT_NE(message_of([&] { Classifier(folder_ / "nothing"); }).find("no such file"),
            std::string::npos);
}

TEST(SpansTest, SourceAndTargetTogetherAreTheText) {
  std::vector<int32_t> tokens(50);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i);
  const std::vector<int32_t> sentinels = {100, 101, 102, 103, 104};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const TokenPair pair = cut_spans(tokens, 0.3, 3.0, sentinels, 99, seed);
    ASSERT_EQ(pair.source.back(), 99);
    ASSERT_EQ(pair.target.back(), 99);
    // Each sentinel of the source, replaced by what the target has behind it.
    std::vector<int32_t> restored;
    for (const int32_t token : pair.source) {
      if (token < 99) restored.push_back(token);
      if (token < 100) continue;
      auto at = std::find(pair.target.begin(), pair.target.end(), token);
      ASSERT_NE(at, pair.target.end());
      for (++at; *at < 99; ++at) restored.push_back(*at);
    }
    EXPECT_EQ(restored, tokens);
    EXPECT_EQ(pair.target.size(), 15 + 5 + 1);
  }
}

TEST(LabelCountsTest, F1ByHand) {
  LabelCounts counts(3);
  counts.add(0, true, true);
  counts.add(0, true, false);
  counts.add(1, false, true);
  EXPECT_DOUBLE_EQ(counts.micro_f1(), 2.0 / 4.0);
  EXPECT_DOUBLE_EQ(counts.macro_f1(), (2.0 / 3.0) / 3.0);
  EXPECT_DOUBLE_EQ(pearson({1, 2, 3}, {2, 4, 6}), 1.0);
  EXPECT_DOUBLE_EQ(pearson({1, 2, 3}, {5, 5, 5}), 0.0);
}

// A vocabulary so small that mistakes are learned by heart.
TEST_F(ObjectivesTest, ACorrectorLearnsToMendItsOwnMistakes) {
  std::string sentences;
  const char* words[] = {"나는",   "오늘",     "학교에", "갔다가",
                         "집으로", "돌아와서", "밥을",   "먹었다."};
  for (int i = 0; i < 300; ++i) {
    for (int w = 0; w < 8; ++w) {
      if (i >> w & 1) sentences += std::string(words[w]) + " ";
    }
    sentences += "좋았다.\n";
  }
  write_file(folder_ / "sentences.txt", sentences);
  const std::string recipe =
      text("bert", "task = \"correction\"\nnoise_rate = 0.3",
           "table = \"sentences.txt\"\nheldout_table = \"sentences.txt\"", "");
  Trainer one(parse(recipe + "threads = 1\n"));
  Trainer two(parse(recipe + "threads = 2\n"));
  for (int step = 0; step < 5; ++step)
    ASSERT_EQ(one.train_step(0.005), two.train_step(0.005)) << step;
  EXPECT_EQ(weights_of(one), weights_of(two));
  const double first = one.train_step(0.005);
  for (int step = 0; step < 60; ++step) one.train_step(0.005);
  EXPECT_LT(one.train_step(0.005), 0.7 * first);
  one.objective().save(folder_ / "tagger");
  EXPECT_TRUE(fs::exists(folder_ / "tagger/edit_tagger.json"));
  const Classifier loaded(folder_ / "tagger");
  EXPECT_EQ(loaded.config().task, ClassifyTask::kTokens);
  EXPECT_EQ(loaded.config().labels[0], "$KEEP");
  EXPECT_GE(loaded.tokenizer().find("학"), 0);
  EXPECT_GE(loaded.tokenizer().find(" "), 0);
  // Goes on from what it made.
  const std::string more =
      "[model]\nfrom = \"tagger\"\n" + recipe.substr(recipe.find("[objective]"));
  EXPECT_LT(Trainer(parse(more)).train_step(0.001), 0.7 * first);
  // More harm allowed: no more than that is done, and no less is mended.
  double mended = 0;
  ThreadPool pool(1);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  for (const double allowed : {0.0, 0.1, 0.4}) {
    std::string recipe_text = more;
    recipe_text.insert(recipe_text.find("noise_rate"),
                       "most_harmed = " + std::to_string(allowed) + "\n");
    Trainer judge(parse(recipe_text));
    const Evaluation said = judge.objective().evaluate(exec, 4096, 16);
    ASSERT_EQ(said.at(1).first, "harmed");
    EXPECT_LE(said[1].second, allowed);
    EXPECT_GE(said[0].second, mended);
    mended = said[0].second;
  }
  EXPECT_GT(mended, 0.0);
  EXPECT_NE(message_of([&] {
              parse("[objective]\ntask = \"correction\"\n[run]\noutput = \"x\"\n");
            }).find("data.table"),
            std::string::npos);
}

TEST_F(ObjectivesTest, PairsBothWaysBehindTheirLanguages) {
  testing::write_sample_data(ONMAL_SOURCE_DIR, folder_, 420, {"<2ko>", "<2en>"});
  write_file(folder_ / "small.tsv", "en\tko\nHello\t안녕\n");
  const auto tokenizer = load_tokenizer_json(folder_ / "tokenizer.json");
  DataRecipe data;
  data.table = folder_ / "small.tsv";
  data.source_column = "en";
  data.target_column = "ko";
  data.source_language = "en";
  data.target_language = "ko";
  data.heldout_permille = 0;
  const PairSplit split = read_pairs(data, *tokenizer, 1);
  ASSERT_EQ(split.train->pairs(), 2);
  for (uint64_t i = 0; i < 2; ++i) {
    const TokenPair pair = split.train->pair(i);
    const bool to_korean = pair.source[0] == tokenizer->find("<2ko>");
    std::vector<int32_t> wanted =
        tokenizer->encode(to_korean ? "<2ko> Hello" : "<2en> 안녕", {.parse_special = true});
    wanted.push_back(tokenizer->end_id());
    EXPECT_EQ(pair.source, wanted);
  }
  data.target_language = "ja";
  EXPECT_NE(message_of([&] { read_pairs(data, *tokenizer, 1); }).find("has no <2ja>"),
            std::string::npos);
}

}  // namespace
}  // namespace onmal
