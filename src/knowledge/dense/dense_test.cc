#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "knowledge/dense/model_embedder.h"
#include "knowledge/dense/vector_index.h"
#include "models/encoder_model.h"
#include "models/encoder_testing.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

const auto kAll = [](int64_t) { return true; };

std::vector<float> unit_vector(Rng& rng, size_t dimensions) {
  std::vector<float> vector(dimensions);
  double squares = 0;
  for (float& value : vector) {
    value = static_cast<float>(rng.normal());
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  for (float& value : vector) value /= static_cast<float>(std::sqrt(squares));
  return vector;
}

// What the index does, the slow way: a map and double sums of the decoded values.
class Twin {
 public:
  void add(int64_t chunk, const QuantizedVector& vector) {
    vectors_.erase(chunk);
    if (vector.scale > 0) vectors_[chunk] = vector;
  }
  bool remove(int64_t chunk) { return vectors_.erase(chunk) > 0; }
  size_t size() const { return vectors_.size(); }
  std::vector<VectorHit> search(const std::vector<float>& query, size_t k,
                                FunctionRef<bool(int64_t)> visible) const {
    std::vector<VectorHit> hits;
    for (const auto& [chunk, vector] : vectors_) {
      if (!visible(chunk)) continue;
      double sum = 0;
      for (size_t i = 0; i < query.size(); ++i)
        sum += static_cast<double>(query[i]) * vector.values[i];
      hits.push_back({chunk, static_cast<float>(sum * static_cast<double>(vector.scale))});
    }
    std::sort(hits.begin(), hits.end(),
              [](const VectorHit& a, const VectorHit& b) { return a.score > b.score; });
    if (hits.size() > k) hits.resize(k);
    return hits;
  }

 private:
  std::map<int64_t, QuantizedVector> vectors_;
};

// Scores agree place by place; chunks may change places only where scores are as good as equal.
void expect_same(const std::vector<VectorHit>& got, const std::vector<VectorHit>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i].score, want[i].score, 2e-4) << i;
}

TEST(QuantizedVectorTest, ComesBackFromItsStoredForm) {
  Rng rng(1);
  for (const size_t dimensions : {1, 63, 256, 4096}) {
    const std::vector<float> vector = unit_vector(rng, dimensions);
    const std::string bytes = encode_vector(quantize_vector(vector));
    ASSERT_EQ(bytes.size(), dimensions + 4);
    const QuantizedVector decoded =
        decode_vector(bytes, static_cast<int64_t>(dimensions), "chunk 1");
    for (size_t i = 0; i < dimensions; ++i)
      ASSERT_NEAR(decoded.scale * decoded.values[i], vector[i], decoded.scale * 0.501F);
  }
  const std::vector<float> known = {0.5F, -1.0F, 0.0F};
  const QuantizedVector vector = quantize_vector(known);
  EXPECT_EQ(vector.values, (std::vector<int8_t>{64, -127, 0}));
  EXPECT_EQ(sign_bits(vector.values), std::vector<uint64_t>{1});
  EXPECT_EQ(quantize_vector(std::vector<float>(5, 0.0F)).scale, 0.0F);
}

TEST(QuantizedVectorTest, RefusesWhatIsNoVector) {
  const std::string bytes = encode_vector(quantize_vector(std::vector<float>{1.0F, 2.0F}));
  EXPECT_THROW(decode_vector(bytes, 3, "x"), Error);
  EXPECT_THROW(decode_vector(bytes.substr(1), 2, "x"), Error);
  EXPECT_THROW(decode_vector("", 0, "x"), Error);
  EXPECT_THROW(decode_vector(bytes, -4, "x"), Error);
  for (const char* scale : {"\x00\x00\xC0\x7F", "\x00\x00\x80\x7F", "\x00\x00\x80\xBF"})
    EXPECT_THROW(decode_vector(std::string(scale, 4) + "ab", 2, "x"), Error);
  EXPECT_EQ(decode_vector(bytes.substr(0, 4) + "\x80\x01", 2, "x").values[0], -127);
  EXPECT_THROW(quantize_vector(std::vector<float>{}), Error);
  EXPECT_THROW(quantize_vector(std::vector<float>(4097, 1.0F)), Error);
  EXPECT_THROW(quantize_vector(std::vector<float>{std::nanf("")}), Error);
}

TEST(VectorIndexTest, AgreesWithItsTwinWhateverHappens) {
  for (const int64_t exact_below : {int64_t{1000000}, int64_t{0}}) {
    VectorIndexOptions options;
    options.exact_below = exact_below;
    options.least_candidates = 150;  // of up to 400
    options.query_bits = 7;
    constexpr size_t kDimensions = 100;
    VectorIndex index(kDimensions, options);
    Twin twin;
    Rng rng(5);
    for (int step = 0; step < 3000; ++step) {
      const auto chunk = static_cast<int64_t>(rng.below(600)) - 100;
      if (rng.below(3) > 0) {
        const QuantizedVector vector = quantize_vector(unit_vector(rng, kDimensions));
        index.add(chunk, vector);
        twin.add(chunk, vector);
      } else {
        ASSERT_EQ(index.remove(chunk), twin.remove(chunk));
      }
      ASSERT_EQ(static_cast<size_t>(index.size()), twin.size());
      if (step % 50 > 0) continue;
      const std::vector<float> query = unit_vector(rng, kDimensions);
      expect_same(index.search(query, 3, kAll), twin.search(query, 3, kAll));
      const auto some = [](int64_t number) { return number % 3 == 0; };
      expect_same(index.search(query, 5, some), twin.search(query, 5, some));
      expect_same(index.search(query, 1000, kAll), twin.search(query, 1000, kAll));
    }
  }
}

TEST(VectorIndexTest, TheScanFindsNearlyAllOfTheNearest) {
  Rng rng(9);
  constexpr size_t kDimensions = 256;
  VectorIndexOptions options;
  options.exact_below = 0;
  options.query_bits = 4;  // noise without clusters is the hardest case
  VectorIndex index(kDimensions, options);
  Twin twin;
  for (int64_t chunk = 0; chunk < 6000; ++chunk) {
    const QuantizedVector vector = quantize_vector(unit_vector(rng, kDimensions));
    index.add(chunk, vector);
    twin.add(chunk, vector);
  }
  size_t found = 0;
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = unit_vector(rng, kDimensions);
    for (const VectorHit& want : twin.search(query, 10, kAll)) {
      for (const VectorHit& got : index.search(query, 10, kAll)) found += got.chunk == want.chunk;
    }
  }
  EXPECT_GE(found, 190);  // of 200
}

TEST(VectorIndexTest, EdgesAndErrors) {
  VectorIndex index(3);
  const std::vector<float> x = {1.0F, 0.0F, 0.0F};
  const std::vector<float> zeros(3, 0.0F);
  EXPECT_TRUE(index.search(x, 5, kAll).empty());
  index.add(7, quantize_vector(x));
  index.add(8, quantize_vector(zeros));
  EXPECT_EQ(index.size(), 1);
  EXPECT_FALSE(index.contains(8));
  EXPECT_TRUE(index.search(zeros, 5, kAll).empty());
  EXPECT_TRUE(index.search(x, 0, kAll).empty());
  EXPECT_TRUE(index.search(x, -3, kAll).empty());
  EXPECT_TRUE(index.search(x, 5, [](int64_t) { return false; }).empty());
  const std::vector<VectorHit> hits = index.search(x, std::numeric_limits<int64_t>::max(), kAll);
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].chunk, 7);
  EXPECT_NEAR(hits[0].score, 1.0F, 1e-3F);
  index.add(7, quantize_vector(zeros));  // in its place: nothing
  EXPECT_EQ(index.size(), 0);
  EXPECT_THROW(index.add(1, quantize_vector(std::vector<float>{1.0F})), Error);
  EXPECT_THROW(index.search(std::vector<float>{1.0F}, 1, kAll), Error);
  EXPECT_THROW(index.search(std::vector<float>{1.0F, std::nanf(""), 0.0F}, 1, kAll), Error);
  EXPECT_THROW(VectorIndex(0), Error);
  EXPECT_THROW(VectorIndex(5000), Error);
}

TEST(VectorIndexTest, IsSearchedWhileItChanges) {
  constexpr size_t kDimensions = 64;
  VectorIndexOptions options;
  options.exact_below = 0;
  options.least_candidates = 20;
  VectorIndex index(kDimensions, options);
  std::atomic<bool> done = false;
  std::atomic<int> bad = 0;
  std::vector<std::thread> readers;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    readers.emplace_back([&, seed] {
      Rng rng(seed);
      while (!done) {
        for (const VectorHit& hit : index.search(unit_vector(rng, kDimensions), 5, kAll))
          bad += hit.chunk < 0 || hit.chunk >= 300 || !(std::abs(hit.score) < 1.1F);
      }
    });
  }
  Rng rng(20);
  for (int i = 0; i < 2000; ++i) {
    const auto chunk = static_cast<int64_t>(rng.below(300));
    if (i % 3 < 2) {
      index.add(chunk, quantize_vector(unit_vector(rng, kDimensions)));
    } else {
      index.remove(chunk);
    }
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(bad, 0);
}

// A tiny encoder with random weights, in a folder of this name.
std::filesystem::path write_model(const std::filesystem::path& parent, const char* name) {
  BpeTrainOptions train;
  train.vocab_size = 300;
  BpeTrainer trainer(train);
  ThreadPool pool(1);
  trainer.feed(pool, "한국어와 English 문장 one two three 하나 둘 셋\n", "text");
  EncoderConfig config = testing::small_encoder("bert");
  EncoderModel model;
  model.tokenizer.tokenizer =
      parse_tokenizer_json(write_tokenizer_json(trainer.train()), "tokenizer.json");
  config.vocab_size = model.tokenizer.tokenizer->vocab_size();
  model.encoder = std::make_unique<Encoder>(config);
  Rng rng(3);
  model.encoder->initialize(*model.memory, rng);
  model.encoder->prepare(*model.memory);
  save_encoder_model(model, parent / name, DType::kF32);
  return parent / name;
}

TEST(ModelEmbedderTest, EmbedsAsTheModelDoesWithThePrefixesItWants) {
  namespace fs = std::filesystem;
  const fs::path parent =
      fs::temp_directory_path() / ("onmal_embedder_" + std::to_string(::getpid()));
  const fs::path plain = write_model(parent, "plain");
  const fs::path prefixed = write_model(parent, "tiny-e5-small");
  ThreadPool pool(2);
  ModelEmbedder embedder(plain, pool);
  ModelEmbedder with_prefix(prefixed, pool);
  const TextEncoder encoder(plain);
  const auto direct = [&](const std::string& text) {
    EmbedOptions options;
    options.truncate = true;
    const std::vector<std::vector<int32_t>> ids = {encoder.tokenizer()->encode(text)};
    return encoder.embed(pool, ids, options)[0].values;
  };
  std::vector<std::string> texts;
  for (int i = 0; i < 150; ++i) texts.push_back("문장 one " + std::to_string(i));
  texts[3] = " \n";
  texts[4] = std::string(5000, 'x');  // more than the model reads
  const auto width = static_cast<size_t>(embedder.dimensions());
  const std::vector<float> plain_vectors = embedder.embed(texts, EmbedSide::kPassage);
  const std::vector<float> queries = with_prefix.embed(texts, EmbedSide::kQuery);
  const std::vector<float> passages = with_prefix.embed(texts, EmbedSide::kPassage);
  ASSERT_EQ(plain_vectors.size(), texts.size() * width);
  for (const size_t i : {0, 4, 63, 64, 149}) {
    const std::vector<float> as_is = direct(texts[i]);
    const std::vector<float> query = direct("query: " + texts[i]);
    const std::vector<float> passage = direct("passage: " + texts[i]);
    double squares = 0;
    for (size_t d = 0; d < width; ++d) {
      EXPECT_NEAR(plain_vectors[i * width + d], as_is[d], 1e-5);
      EXPECT_NEAR(queries[i * width + d], query[d], 1e-5);
      EXPECT_NEAR(passages[i * width + d], passage[d], 1e-5);
      squares += static_cast<double>(as_is[d]) * static_cast<double>(as_is[d]);
    }
    EXPECT_NEAR(squares, 1.0, 1e-5);
  }
  for (size_t d = 0; d < width; ++d) EXPECT_EQ(plain_vectors[3 * width + d], 0.0F);
  EXPECT_TRUE(embedder.embed({}, EmbedSide::kQuery).empty());

  // The same bytes under another name are the same model; other prefixes make other vectors.
  EXPECT_NE(embedder.identity(), with_prefix.identity());
  ModelEmbedderOptions none;
  none.query_prefix = none.passage_prefix = "";
  EXPECT_EQ(ModelEmbedder(prefixed, pool, none).identity(), embedder.identity());
  none.pooling = Pooling::kCls;
  EXPECT_NE(ModelEmbedder(plain, pool, none).identity(), embedder.identity());

  std::stop_source stop;
  stop.request_stop();
  try {
    embedder.embed(texts, EmbedSide::kQuery, stop.get_token());
    ADD_FAILURE() << "did not stop";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  fs::remove_all(parent);
}

TEST(ModelFingerprintTest, FollowsTheBytesAndNotTheName) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::temp_directory_path() / ("onmal_fingerprint_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::string bytes(200000, 'a');
  write_file(folder / "one", bytes);
  write_file(folder / "two", bytes);
  EXPECT_EQ(model_fingerprint(folder / "one"), model_fingerprint(folder / "two"));
  for (const size_t place : {size_t{0}, size_t{70000}, bytes.size() - 1}) {
    std::string other = bytes;
    other[place] = 'b';
    write_file(folder / "two", other);
    EXPECT_NE(model_fingerprint(folder / "one"), model_fingerprint(folder / "two")) << place;
  }
  write_file(folder / "two", bytes + "a");
  EXPECT_NE(model_fingerprint(folder / "one"), model_fingerprint(folder / "two"));
  EXPECT_THROW(model_fingerprint(folder / "none"), std::exception);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace onmal
