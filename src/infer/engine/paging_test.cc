// Pages shared, evicted and taken away under an engine, against plain Generators.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infer/engine/engine_testing.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

using testing::Recorder;

class PagingTest : public ::testing::Test {
 protected:
  PagingTest() {
    DecoderConfig config = testing::small_config("llama");
    config.max_positions = 1024;
    model_ = testing::random_model(config);
  }
  EngineOptions options(int64_t cache_tokens, int64_t running = 8) const {
    EngineOptions made;
    made.generator.context = 768;
    made.generator.prefill_chunk = 100;
    made.cache_tokens = cache_tokens;
    made.most_running = running;
    return made;
  }
  EngineRequest request(std::vector<int32_t> prompt, int64_t tokens, uint64_t seed = 1) const {
    EngineRequest made;
    made.prompt = std::move(prompt);
    made.options.max_tokens = tokens;
    made.options.sampler.seed = seed;
    made.options.ignore_end = true;
    return made;
  }
  GenerateResult alone(const EngineRequest& asked) {
    GeneratorOptions generator;
    generator.context = 768;
    generator.speculation.draft_tokens = 0;
    Generator one(model_, other_, generator);
    return one.generate(asked.prompt, asked.options, [](std::string_view) {});
  }
  // All pages are free or kept for prompts to come.
  static void expect_no_leak(const Engine& engine) {
    const EngineStats stats = engine.stats();
    EXPECT_EQ(stats.running, 0);
    EXPECT_EQ(stats.free_pages + stats.kept_pages, stats.pages);
  }
  static std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  LanguageModel model_;
  ThreadPool pool_{2};
  ThreadPool other_{1};
};

TEST_F(PagingTest, RequestsAtOnceShareTheirPrefix) {
  Engine engine(model_, pool_, options(8 * 768));
  const std::vector<int32_t> prefix = testing::random_ids(400, 1);
  std::vector<std::shared_ptr<Recorder>> recorders;
  std::vector<EngineRequest> asked;
  const auto holder = std::make_shared<Recorder>(true);  // until all have come
  ASSERT_TRUE(engine.submit(request(testing::random_ids(3, 99), 2), holder));
  holder->wait_begun();
  for (uint64_t i = 0; i < 6; ++i) {
    asked.push_back(request(joined(prefix, testing::random_ids(20 + i, 10 + i)), 8, i));
    recorders.push_back(std::make_shared<Recorder>());
    ASSERT_TRUE(engine.submit(asked.back(), recorders.back()));
  }
  holder->release();
  int64_t cached = 0;
  for (size_t i = 0; i < asked.size(); ++i) {
    const GenerateResult got = recorders[i]->wait();
    EXPECT_EQ(got.ids, alone(asked[i]).ids) << i;
    cached += got.cached_tokens;
  }
  // The full pages of the prefix are computed once.
  EXPECT_GE(cached, 5 * 3 * kPageTokens);
  engine.drain();
  EXPECT_EQ(engine.stats().preempted, 0);
  expect_no_leak(engine);
}

TEST_F(PagingTest, AConversationFindsPromptAndAnswer) {
  Engine engine(model_, pool_, options(4 * 768));
  const auto first = std::make_shared<Recorder>();
  const EngineRequest one = request(testing::random_ids(200, 1), 100);
  ASSERT_TRUE(engine.submit(one, first));
  const GenerateResult answer = first->wait();
  EXPECT_EQ(answer.cached_tokens, 0);
  EngineRequest next =
      request(joined(joined(one.prompt, answer.ids), testing::random_ids(30, 2)), 5);
  const auto second = std::make_shared<Recorder>();
  ASSERT_TRUE(engine.submit(next, second));
  const GenerateResult got = second->wait();
  EXPECT_EQ(got.cached_tokens, 299);  // all but the last of the answer, which was not computed
  EXPECT_EQ(got.ids, alone(next).ids);
  engine.drain();
  expect_no_leak(engine);
}

TEST_F(PagingTest, FewPagesAreTakenFromTheLastAndItsAnswerStaysTheSame) {
  EngineOptions tight = options(768);  // six pages: one full context
  tight.generator.prefill_chunk = 512;
  Engine engine(model_, pool_, tight);
  std::vector<std::shared_ptr<Recorder>> recorders;
  std::vector<EngineRequest> asked;
  for (uint64_t i = 0; i < 5; ++i) {
    asked.push_back(request(testing::random_ids(100 + 5 * i, 20 + i), 150, i));
    recorders.push_back(std::make_shared<Recorder>());
    ASSERT_TRUE(engine.submit(asked.back(), recorders.back()));
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    const GenerateResult want = alone(asked[i]);
    const GenerateResult got = recorders[i]->wait();
    EXPECT_EQ(recorders[i]->error(), "");
    EXPECT_EQ(got.ids, want.ids) << i;
    EXPECT_EQ(recorders[i]->text(), want.text);
    EXPECT_EQ(got.cached_tokens, 0);
  }
  engine.drain();
  EXPECT_GT(engine.stats().preempted, 0);
  expect_no_leak(engine);
}

TEST_F(PagingTest, AFullContextFitsTheSmallestPool) {
  Engine engine(model_, pool_, options(1));
  EXPECT_EQ(engine.stats().pages, 6);
  const auto filler = std::make_shared<Recorder>();
  const auto whole = std::make_shared<Recorder>();
  ASSERT_TRUE(engine.submit(request(testing::random_ids(700, 3), 1000), filler));
  ASSERT_TRUE(engine.submit(request(testing::random_ids(768, 4), 1000), whole));
  EXPECT_EQ(filler->wait().finish, FinishReason::kContextFull);
  EXPECT_EQ(filler->wait().ids.size(), 69U);
  EXPECT_EQ(whole->wait().finish, FinishReason::kContextFull);
  EXPECT_EQ(whole->wait().ids.size(), 1U);
  engine.drain();
  expect_no_leak(engine);
}

// Random requests over a few common beginnings, cancelled at random, with room for few of them.
TEST_F(PagingTest, RandomRequestsAgreeWithGenerators) {
  for (const int64_t cache_tokens : {int64_t{768}, int64_t{1500}, int64_t{20 * 768}}) {
    Engine engine(model_, pool_, options(cache_tokens));
    Rng rng(static_cast<uint64_t>(cache_tokens));
    std::vector<std::vector<int32_t>> beginnings = {
        testing::random_ids(330, 50), testing::random_ids(140, 51), {}};
    std::vector<EngineRequest> asked;
    std::vector<std::shared_ptr<Recorder>> recorders;
    std::vector<Engine::RequestId> ids;
    for (uint64_t i = 0; i < 24; ++i) {
      std::vector<int32_t> prompt = beginnings[rng.below(beginnings.size())];
      prompt.resize(prompt.size() - (prompt.empty() ? 0 : rng.below(60)));
      prompt = joined(prompt, testing::random_ids(1 + rng.below(150), 100 + i));
      asked.push_back(request(prompt, static_cast<int64_t>(rng.below(60)), i));
      asked.back().client = std::to_string(i % 3);
      recorders.push_back(std::make_shared<Recorder>());
      const auto id = engine.submit(asked.back(), recorders.back());
      ASSERT_TRUE(id);
      ids.push_back(*id);
      if (rng.below(4) == 0) engine.cancel(ids[rng.below(ids.size())]);
    }
    for (size_t i = 0; i < asked.size(); ++i) {
      const GenerateResult got = recorders[i]->wait();
      EXPECT_EQ(recorders[i]->error(), "");
      const GenerateResult want = alone(asked[i]);
      if (got.finish == FinishReason::kCancelled) {
        ASSERT_LE(got.ids.size(), want.ids.size());
        EXPECT_TRUE(std::equal(got.ids.begin(), got.ids.end(), want.ids.begin())) << i;
      } else {
        EXPECT_EQ(got.ids, want.ids) << i;
        EXPECT_EQ(recorders[i]->text(), want.text);
      }
      EXPECT_LT(got.cached_tokens, got.prompt_tokens);
    }
    engine.drain();
    expect_no_leak(engine);
  }
}

// Lets the engine go on for so many texts at a time.
class Gate : public Recorder {
 public:
  void on_text(std::string_view text, std::span<const SampledToken> tokens) override {
    Recorder::on_text(text, tokens);
    std::unique_lock lock(mutex_);
    ++heard_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return heard_ <= allowed_; });
  }
  void allow(int texts) {
    const std::lock_guard lock(mutex_);
    allowed_ += texts;
    changed_.notify_all();
  }
  // Until the engine stands still at this text.
  void wait_heard(int texts) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return heard_ >= texts; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int heard_ = 0;
  int allowed_ = 0;
};

TEST_F(PagingTest, CancelledWhileReadingWritingAndWaitingForPages) {
  Engine engine(model_, pool_, options(8 * kPageTokens));
  const auto writing = std::make_shared<Gate>();
  const auto reading = std::make_shared<Recorder>();
  const auto stalled = std::make_shared<Recorder>();  // needs six pages where one is left
  const auto first = engine.submit(request(testing::random_ids(60, 1), 500), writing);
  writing->wait_heard(1);
  const auto second = engine.submit(request(testing::random_ids(700, 2), 10), reading);
  const auto third = engine.submit(request(testing::random_ids(700, 3), 10), stalled);
  ASSERT_TRUE(first && second && third);
  writing->allow(3);
  writing->wait_heard(4);  // some of the second prompt is read
  EXPECT_EQ(engine.stats().running, 3);
  EXPECT_LT(engine.stats().free_pages, engine.stats().pages - 1);
  engine.cancel(*third);
  engine.cancel(*second);
  engine.cancel(*first);
  writing->allow(1000);
  for (const auto& cancelled : {stalled, reading, std::shared_ptr<Recorder>(writing)})
    EXPECT_EQ(cancelled->wait().finish, FinishReason::kCancelled);
  EXPECT_TRUE(stalled->wait().ids.empty());
  EXPECT_TRUE(reading->wait().ids.empty());
  EXPECT_GE(writing->wait().ids.size(), 4U);
  engine.drain();
  expect_no_leak(engine);
}

TEST_F(PagingTest, AnUnknownTokenIsOneRequestsError) {
  Engine engine(model_, pool_, options(768));
  const auto bad = std::make_shared<Recorder>();
  const auto good = std::make_shared<Recorder>();
  const EngineRequest asked = request(testing::random_ids(20, 1), 10);
  ASSERT_TRUE(engine.submit(asked, good));
  ASSERT_TRUE(engine.submit(request({1, 100000, 2}, 10), bad));
  EXPECT_EQ(good->wait().ids, alone(asked).ids);
  bad->wait();
  EXPECT_NE(bad->error().find("100000"), std::string::npos) << bad->error();
  engine.drain();
  expect_no_leak(engine);
}

}  // namespace
}  // namespace onmal
