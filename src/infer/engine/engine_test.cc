#include "infer/engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <mutex>
#include <thread>

#include "infer/engine/engine_testing.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

using testing::Recorder;

class EngineTest : public ::testing::Test {
 protected:
  EngineRequest request(uint64_t seed, int64_t tokens = 12) const {
    EngineRequest made;
    made.prompt = testing::random_ids(9 + static_cast<int64_t>(seed % 5), seed);
    made.options.max_tokens = tokens;
    made.options.sampler.seed = seed;
    made.options.ignore_end = true;
    return made;
  }
  EngineOptions options(int64_t running = 4) const {
    EngineOptions made;
    made.generator.prefill_chunk = 4;
    made.most_running = running;
    return made;
  }

  LanguageModel model_ = testing::random_model(testing::small_config("llama"));
};

TEST_F(EngineTest, AnswersAreThoseOfAGeneratorWhateverTheCompany) {
  ThreadPool pool(2), other(1);
  Engine engine(model_, pool, options());
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    recorders.push_back(std::make_shared<Recorder>());
    ASSERT_TRUE(engine.submit(request(seed), recorders.back()));
  }
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const GenerateResult got = recorders[seed]->wait();
    GeneratorOptions alone;
    alone.prefill_chunk = 4;
    alone.speculation.draft_tokens = 0;
    Generator generator(model_, other, alone);
    const EngineRequest asked = request(seed);
    const GenerateResult want =
        generator.generate(asked.prompt, asked.options, [](std::string_view) {});
    EXPECT_EQ(got.ids, want.ids) << seed;
    EXPECT_EQ(recorders[seed]->text(), want.text);
    EXPECT_EQ(got.finish, want.finish);
  }
  EXPECT_EQ(engine.stats().decoded_tokens, 12 * 12);
  engine.drain();
  EXPECT_FALSE(engine.submit(request(1), std::make_shared<Recorder>()));
}

TEST_F(EngineTest, ThePrefixOfAnEarlierRequestIsFound) {
  ThreadPool pool(1);
  Engine engine(model_, pool, options());
  EngineRequest first = request(3, 4);
  const auto one = std::make_shared<Recorder>();
  const auto two = std::make_shared<Recorder>();
  const auto three = std::make_shared<Recorder>();
  ASSERT_TRUE(engine.submit(first, one));
  EXPECT_EQ(one->wait().cached_tokens, 0);
  ASSERT_TRUE(engine.submit(request(4, 4), two));  // another prompt takes another cache
  EXPECT_EQ(two->wait().cached_tokens, 0);
  EngineRequest longer = first;
  longer.prompt.push_back(7);
  ASSERT_TRUE(engine.submit(longer, three));
  EXPECT_EQ(three->wait().cached_tokens, static_cast<int64_t>(first.prompt.size()));
}

TEST_F(EngineTest, ACancelledRequestEndsAndTheOthersGoOn) {
  ThreadPool pool(1);
  EngineOptions two_at_once = options(2);
  Engine engine(model_, pool, two_at_once);
  const auto held = std::make_shared<Recorder>(true);
  const auto waiting = std::make_shared<Recorder>();
  const auto other = std::make_shared<Recorder>();
  const auto id = engine.submit(request(1, 100), held);
  held->wait_begun();
  const auto second = engine.submit(request(2, 5), other);
  const auto third = engine.submit(request(3, 5), waiting);
  ASSERT_TRUE(id && second && third);
  engine.cancel(*third);
  EXPECT_EQ(waiting->wait().finish, FinishReason::kCancelled);
  engine.cancel(*id);
  held->release();
  EXPECT_EQ(held->wait().finish, FinishReason::kCancelled);
  EXPECT_LT(held->wait().ids.size(), 100U);
  EXPECT_EQ(other->wait().ids.size(), 5U);
}

TEST_F(EngineTest, AFullQueueRefusesAndClientsTakeTurns) {
  ThreadPool pool(1);
  EngineOptions narrow = options(1);
  narrow.most_waiting = 3;
  Engine engine(model_, pool, narrow);
  const auto held = std::make_shared<Recorder>(true);
  ASSERT_TRUE(engine.submit(request(1, 3), held));
  held->wait_begun();
  std::mutex mutex;
  std::vector<std::string> order;
  struct Named : EngineListener {
    std::function<void()> told;
    void on_text(std::string_view, std::span<const SampledToken>) override {}
    void on_end(const GenerateResult&) override { told(); }
    void on_error(const Error&) override {}
  };
  const auto ask = [&](const std::string& client) {
    EngineRequest made = request(2, 2);
    made.client = client;
    const auto listener = std::make_shared<Named>();
    listener->told = [&, client] {
      const std::lock_guard lock(mutex);
      order.push_back(client);
    };
    return engine.submit(made, listener);
  };
  EXPECT_TRUE(ask("many"));
  EXPECT_TRUE(ask("many"));
  EXPECT_TRUE(ask("one"));
  EXPECT_FALSE(ask("four"));
  held->release();
  engine.drain();
  EXPECT_EQ(order, (std::vector<std::string>{"many", "one", "many"}));
}

TEST_F(EngineTest, PromptsThatCannotBeAnsweredAreRefusedWithTheNumber) {
  ThreadPool pool(1);
  Engine engine(model_, pool, options());
  EngineRequest big = request(1);
  big.prompt.assign(static_cast<size_t>(engine.context()) + 3, 1);
  try {
    engine.submit(big, std::make_shared<Recorder>());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("3 too many"), std::string::npos) << error.what();
  }
  big.prompt.clear();
  EXPECT_THROW(engine.submit(big, std::make_shared<Recorder>()), Error);
}

TEST_F(EngineTest, LogprobsAreOfTheModelsOwnDistribution) {
  ThreadPool pool(1);
  Engine engine(model_, pool, options());
  EngineRequest asked = request(5, 6);
  asked.top_logprobs = 300;
  const auto recorder = std::make_shared<Recorder>();
  ASSERT_TRUE(engine.submit(asked, recorder));
  const GenerateResult result = recorder->wait();
  const std::vector<SampledToken> tokens = recorder->tokens();
  ASSERT_EQ(tokens.size(), result.ids.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i].id, result.ids[i]);
    double sum = 0;
    bool found = false;
    for (const TokenLogprob& one : tokens[i].top) {
      sum += std::exp(static_cast<double>(one.logprob));
      found = found || (one.id == tokens[i].id && one.logprob == tokens[i].logprob);
    }
    EXPECT_NEAR(sum, 1.0, 1e-4);
    EXPECT_TRUE(found);
    EXPECT_GE(tokens[i].top[0].logprob, tokens[i].top[1].logprob);
  }
}

TEST_F(EngineTest, ManyThreadsMayAskAndCancelAtOnce) {
  ThreadPool pool(1);
  EngineOptions narrow = options(3);
  narrow.most_waiting = 8;
  Engine engine(model_, pool, narrow);
  std::atomic<int> ended{0}, taken{0};
  struct Counting : EngineListener {
    std::atomic<int>* ended = nullptr;
    void on_text(std::string_view, std::span<const SampledToken>) override {}
    void on_end(const GenerateResult&) override { ++*ended; }
    void on_error(const Error&) override { ++*ended; }
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 25; ++i) {
        const auto listener = std::make_shared<Counting>();
        listener->ended = &ended;
        EngineRequest made = request(t * 100 + i, static_cast<int64_t>(i % 4) + 1);
        made.client = std::to_string(t);
        const auto id = engine.submit(std::move(made), listener);
        if (id) ++taken;
        if (id && i % 3 == 0) engine.cancel(*id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  engine.drain();
  EXPECT_GT(taken, 8);
  EXPECT_EQ(ended, taken);
  EXPECT_EQ(engine.stats().running, 0);
}

}  // namespace
}  // namespace onmal
