#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "tokenizer/tokenizer_json.h"
#include "train/batch_source.h"
#include "train/sample_data_testing.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace onmal {
namespace {

// A folder with a tokenizer and shards made from the project's own samples.
class TrainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("onmal_train_" + std::to_string(::getpid()) +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    testing::write_sample_data(ONMAL_SOURCE_DIR, folder_, 400);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string recipe_text(const std::string& more_run = "",
                          const std::string& optimizer = "kind = \"muon\"") const {
    return "[model]\narchitecture = \"qwen3\"\nvocab_size = 400\ndim = 32\nlayers = 2\nheads = "
           "2\nkv_heads = 1\n"
           "head_dim = 16\nffn_dim = 64\nmax_positions = 128\n"
           "[data]\ntokenizer = \"tokenizer.json\"\ntrain = \"train.tok\"\nheldout = "
           "\"heldout.tok\"\nlength = 32\n"
           "[optimizer]\nlearning_rate = 0.01\n" +
           optimizer +
           "\n"
           "[schedule]\nwarmup_steps = 5\n"
           "[run]\nsteps = 50\nbatch = 2\naccumulation = 2\nseed = 4\noutput = \"" +
           (folder_ / "run").string() + "\"\n" + more_run;
  }
  Recipe recipe(const std::string& more_run = "",
                const std::string& optimizer = "kind = \"muon\"") const {
    return parse_recipe(recipe_text(more_run, optimizer), folder_ / "recipe.toml");
  }
  static std::string weights_of(Trainer& trainer) {
    std::string bytes;
    trainer.model().decoder->visit([&](Param& param) {
      bytes.append(param.value.data_as<char>(), static_cast<size_t>(param.value.bytes()));
    });
    return bytes;
  }

  std::filesystem::path folder_;
};

TEST_F(TrainTest, OneAndTwoThreadsGiveTheSameBits) {
  for (const char* optimizer : {"kind = \"muon\"", "kind = \"adamw\""}) {
    Trainer one(recipe("threads = 1\n", optimizer));
    Trainer two(recipe("threads = 2\n", optimizer));
    for (int step = 0; step < 50; ++step)
      ASSERT_EQ(one.train_step(0.01), two.train_step(0.01)) << step;
    EXPECT_EQ(weights_of(one), weights_of(two));
  }
}

TEST_F(TrainTest, LearnsAndEvaluates) {
  Trainer trainer(recipe());
  const double before = trainer.evaluate();
  trainer.run({}, {});
  EXPECT_LT(trainer.evaluate(), before - 1.0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/model/model.safetensors"));
  EXPECT_NE(read_file(folder_ / "run/loss.svg").find("<polyline"), std::string::npos);
  const LanguageModel loaded = load_language_model(folder_ / "run/model");
  EXPECT_EQ(loaded.decoder->config().qk_norm, QkNorm::kHead);
}

TEST_F(TrainTest, BothPrecisionsAgreeRoughlyAndCheckpointedActivationsExactly) {
  Trainer plain(recipe());
  Trainer again(recipe("checkpoint_activations = true\n"));
  Trainer bf16(recipe("matmul = \"bf16\"\n"));
  for (int step = 0; step < 10; ++step) {
    const double loss = plain.train_step(0.01);
    ASSERT_EQ(loss, again.train_step(0.01));
    EXPECT_NEAR(loss, bf16.train_step(0.01), 0.03 * loss);
  }
  EXPECT_EQ(weights_of(plain), weights_of(again));
}

// kill -9 at some moment, resume, and again, until the run is done: the weights are those of a run
// left alone.
TEST_F(TrainTest, KilledAndResumedRunsEndWithTheSameWeights) {
  const auto begin = std::chrono::steady_clock::now();
  Trainer whole(recipe("threads = 1\n"));
  whole.run({}, {});
  // Each attempt is let live a little longer: as measured, for builds with sanitizers are many
  // times slower.
  const auto longer = (std::chrono::steady_clock::now() - begin) / 12;
  const std::string expected = weights_of(whole);
  std::filesystem::remove_all(folder_ / "run");
  int kills = 0;
  for (int attempt = 0; attempt < 60; ++attempt) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        Trainer trainer(recipe("threads = 1\ncheckpoint_every = 3\n"));
        trainer.resume();
        trainer.run({}, {});
        ::_exit(weights_of(trainer) == expected ? 0 : 3);
      } catch (...) {
        ::_exit(4);
      }
    }
    std::this_thread::sleep_for(longer * (attempt + 1));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      EXPECT_GT(kills, 0) << "the run was over before it could be killed";
      return;
    }
    ++kills;
  }
  FAIL() << "the run never ended";
}

TEST_F(TrainTest, StopsWhenAskedAndGoesOn) {
  std::stop_source stop;
  Trainer trainer(recipe());
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    if (report.step == 7) stop.request_stop();
  };
  trainer.run(callbacks, stop.get_token());
  EXPECT_EQ(trainer.steps_done(), 7);
  Trainer resumed(recipe());
  ASSERT_TRUE(resumed.resume());
  EXPECT_EQ(resumed.steps_done(), 7);
  EXPECT_EQ(weights_of(resumed), weights_of(trainer));
}

TEST_F(TrainTest, NotANumberStopsTheRunAndKeepsTheLastCheckpoint) {
  Trainer trainer(recipe("checkpoint_every = 2\n"));
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    if (report.step != 5) return;
    trainer.model().decoder->visit([](Param& param) {
      if (param.kind == ParamKind::kVector)
        param.value.f32()[0] = std::numeric_limits<float>::quiet_NaN();
    });
  };
  try {
    trainer.run(callbacks, {});
    FAIL() << "trained on NaN";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNumeric);
    EXPECT_NE(std::string(error.what()).find("step 6 (sequences 20 to 23)"), std::string::npos)
        << error.what();
  }
  Trainer resumed(recipe());
  ASSERT_TRUE(resumed.resume());
  EXPECT_EQ(resumed.steps_done(), 4);
  EXPECT_TRUE(std::isfinite(resumed.train_step(0.01)));
}

TEST_F(TrainTest, HostileCheckpointsAreErrors) {
  std::stop_source stop;
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    if (report.step == 2) stop.request_stop();
  };
  Trainer(recipe()).run(callbacks, stop.get_token());
  const std::filesystem::path file = folder_ / "run/checkpoint-2/weights.safetensors";
  const std::string good = read_file(file);
  const auto expect_error = [&](const std::string& content) {
    write_file(file, content);
    Trainer other(recipe());
    EXPECT_THROW(other.resume(), Error);
  };
  expect_error(good.substr(0, good.size() / 2));
  expect_error("");
  std::string renamed = good;
  renamed.replace(renamed.find("final_norm"), 10, "other_norm");
  expect_error(renamed);
  std::string overflow = good;
  overflow[7] = static_cast<char>(0x7F);
  expect_error(overflow);
  write_file(file, good);
  Trainer other(
      parse_recipe(recipe_text("").replace(recipe_text("").find("seed = 4"), 8, "seed = 5"),
                   folder_ / "r.toml"));
  EXPECT_THROW(other.resume(), Error);
}

TEST_F(TrainTest, RecipesNameTheNearestKeyAndTheLine) {
  const auto message = [&](const std::string& text) -> std::string {
    try {
      parse_recipe(text, folder_ / "recipe.toml");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("[model]\nlayer = 3\n")
                .find("recipe.toml:2: unknown key 'layer' in [model]; did you mean 'layers'?"),
            std::string::npos);
  EXPECT_NE(message("[optimiser]\n").find("did you mean [optimizer]?"), std::string::npos);
  EXPECT_NE(message("[run]\nsteps = \"many\"\n").find("must be a whole number"), std::string::npos);
  EXPECT_NE(message("[run]\nsteps = -1\n").find("out of range"), std::string::npos);
  EXPECT_NE(message("[optimizer]\nkind = \"sgd\"\n").find("known ones: adamw, muon"),
            std::string::npos);
  EXPECT_NE(message("[run\n").find("recipe.toml:1"), std::string::npos);
  EXPECT_NE(message("[run]\nsteps = 3\n").find("run.output is missing"), std::string::npos);
}

TEST_F(TrainTest, OnlyAnswersAreLearned) {
  const auto tokenizer = load_tokenizer_json(folder_ / "tokenizer.json");
  const std::vector<std::vector<ChatMessage>> conversations = {
      {{"user", "안녕?"}, {"assistant", "네, 안녕하세요."}},
      {{"user", "How are you?"}, {"assistant", "Fine."}}};
  const ConversationSource source(conversations, *tokenizer, 120, 1);
  ASSERT_EQ(source.sequences(), 1);
  std::vector<int32_t> tokens(120), targets(120), first(120);
  source.fill(0, tokens, targets, first);
  std::string learned;
  for (const int32_t target : targets) {
    if (target != kIgnoredTarget) learned += tokenizer->piece(target);
  }
  const std::string a = "네, 안녕하세요.<|im_end|>";
  const std::string b = "Fine.<|im_end|>";
  EXPECT_TRUE(learned == a + b || learned == b + a) << learned;
  for (size_t t = 0; t < 120; ++t) EXPECT_LE(first[t], static_cast<int32_t>(t));
}

TEST_F(TrainTest, ConversationsRepeatAndStopAtTheLimit) {
  std::string table = "Q,A\n";
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i);
    table.append("question ").append(number).append(",answer ").append(number).append("\n");
  }
  write_file(folder_ / "pairs.csv", table);
  Source source;
  source.path = folder_ / "pairs.csv";
  source.format = SourceFormat::kCsv;
  source.question = "Q";
  source.answer = "A";
  source.repeat = 3;
  const ConversationSplit split = read_all_conversations({{}, {source}}, 200);
  ASSERT_GT(split.heldout.size(), 0U);
  EXPECT_EQ(split.train.size(), 3 * (100 - split.heldout.size()));
  source.limit_bytes = 190;  // ten of 18 bytes and one of 20
  const ConversationSplit least = read_all_conversations({{}, {source}}, 0);
  EXPECT_EQ(least.train.size(), 3U * 11);
}

TEST(JoinTurnsTest, EveryConversationStaysWholeAndAppearsOnce) {
  std::vector<std::vector<ChatMessage>> conversations;
  for (int i = 0; i < 100; ++i) {
    conversations.push_back({{"user", std::string("q").append(std::to_string(i))},
                             {"assistant", std::string("a").append(std::to_string(i))}});
  }
  const auto joined = join_turns(conversations, 3, 7);
  EXPECT_LT(joined.size(), 80U);
  EXPECT_GT(joined.size(), 33U);
  std::set<std::string> seen;
  for (const auto& messages : joined) {
    EXPECT_LE(messages.size(), 6U);
    for (size_t i = 0; i < messages.size(); i += 2) {
      EXPECT_EQ(messages[i].content.substr(1), messages[i + 1].content.substr(1));
      seen.insert(messages[i].content);
    }
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(join_turns(conversations, 1, 7).size(), 100U);
}

TEST(ScheduleTest, RisesStaysAndFalls) {
  ScheduleRecipe schedule;
  schedule.warmup_steps = 10;
  schedule.least_ratio = 0.1;
  for (const ScheduleKind kind : {ScheduleKind::kCosine, ScheduleKind::kWarmupStableDecay}) {
    schedule.kind = kind;
    EXPECT_DOUBLE_EQ(schedule_factor(schedule, 0, 100), 0.1);
    EXPECT_DOUBLE_EQ(schedule_factor(schedule, 9, 100), 1.0);
    EXPECT_NEAR(schedule_factor(schedule, 99, 100), 0.1, 1e-12);
    for (int64_t step = 10; step < 99; ++step) {
      EXPECT_GE(schedule_factor(schedule, step, 100), schedule_factor(schedule, step + 1, 100));
    }
  }
  EXPECT_DOUBLE_EQ(schedule_factor(schedule, 70, 100), 1.0);
}

TEST(MuonTest, OrthogonalizeFlattensTheSpectrum) {
  ThreadPool pool(2);
  CachingAllocator memory;
  const Backend backend = make_cpu_backend();
  Exec exec{&pool, &memory, &backend};
  for (const auto& [rows, columns] : {std::pair(24, 40), std::pair(40, 24), std::pair(16, 16)}) {
    const Tensor x = Tensor::empty(memory, Shape{rows, columns});
    Rng rng(2);
    for (int64_t i = 0; i < x.elements(); ++i) x.f32()[i] = static_cast<float>(rng.normal());
    orthogonalize(exec, x);
    // The smaller Gram matrix is near the identity: singular values between 0.6 and 1.3.
    const int64_t side = std::min(rows, columns);
    double trace = 0;
    for (int64_t i = 0; i < x.elements(); ++i)
      trace += std::pow(static_cast<double>(x.f32()[i]), 2);
    EXPECT_GT(trace / static_cast<double>(side), 0.5);
    EXPECT_LT(trace / static_cast<double>(side), 1.5);
  }
}

}  // namespace
}  // namespace onmal
