#include "infer/engine/page_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include "infer/engine/engine_testing.h"
#include "infer/test_model.h"
#include "models/adapter.h"

namespace onmal {
namespace {

using testing::Recorder;

class PageStoreTest : public ::testing::Test {
 protected:
  PageStoreTest() {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("onmal-pages-" +
               std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    for (int32_t page = 0; page < 4; ++page) {
      pool_.take();
      for (const auto part : pool_.parts(page))
        std::fill(part.begin(), part.end(), static_cast<std::byte>(page + 1));
    }
  }
  ~PageStoreTest() override { std::filesystem::remove_all(folder_); }

  std::byte value_of(int32_t page) { return pool_.parts(page).back().back(); }
  std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      found.push_back(entry.path());
    return found;
  }

  std::filesystem::path folder_;
  HeapAllocator memory_;
  PagePool pool_{memory_, 2, 4, 2, 32, DType::kF16};
  std::vector<int32_t> text_ = testing::random_ids(3 * kPageTokens, 1);
  std::span<const int32_t> one_ = std::span<const int32_t>(text_).first(kPageTokens);
  std::span<const int32_t> two_ = std::span<const int32_t>(text_).first(2 * kPageTokens);
};

TEST_F(PageStoreTest, FindsAgainWhatAnotherKept) {
  {
    PageStore store(folder_, 1 << 20, "model");
    store.put(one_, pool_, 0);
    store.put(two_, pool_, 1);
    store.put(two_, pool_, 2);  // is there already
    EXPECT_EQ(store.files(), 2);
  }
  PageStore store(folder_, 1 << 20, "model");
  EXPECT_EQ(store.files(), 2);
  EXPECT_TRUE(store.has(two_));
  EXPECT_TRUE(store.get(two_, pool_, 3));
  EXPECT_EQ(value_of(3), std::byte{2});
  EXPECT_FALSE(store.get(text_, pool_, 3));
  PageStore other(folder_, 1 << 20, "another model");
  EXPECT_FALSE(other.get(two_, pool_, 3));
  EXPECT_EQ(value_of(3), std::byte{2});
}

TEST_F(PageStoreTest, DamageIsNotThere) {
  for (const int kind : {0, 1, 2}) {
    PageStore store(folder_, 1 << 20, "model");
    store.put(one_, pool_, 0);
    const std::filesystem::path file = files().at(0);
    if (kind == 0) {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(1000);
      stream.put('x');
    }
    if (kind == 1) std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    if (kind == 2) std::filesystem::remove(file);
    EXPECT_FALSE(store.get(one_, pool_, 3)) << kind;
    EXPECT_EQ(value_of(3), std::byte{4});
    EXPECT_EQ(store.bytes(), 0U);
    EXPECT_TRUE(files().empty());
  }
}

TEST_F(PageStoreTest, TheLongestUnusedGoWhenItIsFull) {
  const auto page = static_cast<uint64_t>(pool_.page_bytes());
  PageStore store(folder_, 2 * page + 1000, "model");
  store.put(one_, pool_, 0);
  store.put(two_, pool_, 1);
  EXPECT_TRUE(store.get(one_, pool_, 3));
  store.put(text_, pool_, 2);
  EXPECT_FALSE(store.has(two_));
  EXPECT_TRUE(store.has(one_));
  EXPECT_TRUE(store.has(text_));
  EXPECT_EQ(files().size(), 2U);
  PageStore tiny(folder_ / "tiny", page, "model");
  tiny.put(one_, pool_, 0);
  EXPECT_EQ(tiny.files(), 0);
}

TEST_F(PageStoreTest, AnEngineFindsThePagesOfAnEarlierOne) {
  DecoderConfig config = testing::small_config("llama");
  config.max_positions = 1024;
  ThreadPool threads(2);
  EngineRequest asked;
  asked.prompt = testing::random_ids(500, 3);
  asked.options.max_tokens = 10;
  asked.options.ignore_end = true;
  EngineOptions options;
  options.cache_folder = folder_;
  const auto ask = [&](uint64_t weights, const AdapterConfig* adapter = nullptr) {
    LanguageModel model = testing::random_model(config, DType::kF32, weights);
    Rng rng(5);
    const auto visit = [&](LinearVisitor visitor) { model.decoder->visit_linears(visitor); };
    if (adapter != nullptr) attach_adapter(visit, *adapter, *model.memory, rng, "test");
    Engine engine(model, threads, options);
    const auto recorder = std::make_shared<Recorder>();
    EXPECT_TRUE(engine.submit(asked, recorder));
    return recorder->wait();
  };
  const GenerateResult first = ask(1);
  EXPECT_EQ(first.cached_tokens, 0);
  const GenerateResult again = ask(1);
  EXPECT_EQ(again.cached_tokens, 3 * kPageTokens);
  EXPECT_EQ(again.ids, first.ids);
  EXPECT_EQ(ask(2).cached_tokens, 0);  // another model of the same shape
  const AdapterConfig adapter;
  EXPECT_EQ(ask(1, &adapter).cached_tokens, 0);  // the same one, changed
  EXPECT_EQ(ask(1, &adapter).cached_tokens, 3 * kPageTokens);
}

}  // namespace
}  // namespace onmal
