#include "infer/beam_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "models/encoder_testing.h"

namespace onmal {
namespace {

using testing::randomize;
using testing::relative_difference;
using testing::small_pair;

class BeamSearchTest : public ::testing::TestWithParam<const char*> {
 protected:
  void make(int64_t vocabulary = 37) {
    EncoderDecoderConfig config = small_pair(GetParam());
    config.encoder.vocab_size = config.decoder.vocab_size = vocabulary;
    config.start_id = std::min<int32_t>(config.start_id, static_cast<int32_t>(vocabulary) - 1);
    if (!config.forbidden_ids.empty()) config.forbidden_ids = {config.start_id};
    network_ = std::make_unique<EncoderDecoder>(config);
    randomize(*network_, memory_, DType::kF32, 0.5);
  }

  Tensor encode(const std::vector<int32_t>& source) {
    EncoderInput input;
    input.ids = Tensor::empty(memory_, Shape{1, static_cast<int64_t>(source.size())}, DType::kI32);
    std::copy(source.begin(), source.end(), input.ids.i32());
    return network_->encode(exec_, input);
  }

  // Natural log-probabilities of the next token after `written`, computed from scratch.
  std::vector<double> next(const Tensor& source, const std::vector<int32_t>& written) {
    const auto length = static_cast<int64_t>(written.size()) + 1;
    Tensor ids = Tensor::empty(memory_, Shape{1, length}, DType::kI32);
    ids.i32()[0] = network_->config().start_id;
    std::copy(written.begin(), written.end(), ids.i32() + 1);
    const Tensor logits = network_->logits(exec_, network_->decode(exec_, ids, source));
    const int64_t count = logits.dim(2);
    const float* row = logits.f32() + (length - 1) * count;
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(row[i]));
    std::vector<double> result;
    for (int64_t i = 0; i < count; ++i)
      result.push_back(static_cast<double>(row[i]) - std::log(sum));
    for (const int32_t id : network_->config().forbidden_ids)
      result[static_cast<size_t>(id)] = -INFINITY;
    return result;
  }

  // Every output of at most max_tokens, by trying them all.
  BeamResult best_of_all(const Tensor& source, int64_t max_tokens, double penalty) {
    BeamResult best;
    best.score = -INFINITY;
    try_all(source, {}, 0.0, max_tokens, penalty, best);
    return best;
  }

  void try_all(const Tensor& source, const std::vector<int32_t>& written, double so_far,
               int64_t max_tokens, double penalty, BeamResult& best) {
    const auto length = static_cast<double>(written.size());
    const auto offer = [&](double total, double divisor, bool ended) {
      const double score = total / std::pow(divisor, penalty);
      if (score > best.score) best = {written, score, ended};
    };
    if (static_cast<int64_t>(written.size()) == max_tokens) return offer(so_far, length, false);
    const std::vector<double> log_probabilities = next(source, written);
    for (size_t id = 0; id < log_probabilities.size(); ++id) {
      if (std::isinf(log_probabilities[id])) continue;
      const double total = so_far + log_probabilities[id];
      if (static_cast<int32_t>(id) == network_->config().end_ids[0]) {
        offer(total, length + 1, true);
        continue;
      }
      std::vector<int32_t> longer = written;
      longer.push_back(static_cast<int32_t>(id));
      try_all(source, longer, total, max_tokens, penalty, best);
    }
  }

  // The same search as in the header, without batch or caches.
  BeamResult slow_search(const Tensor& source, const BeamOptions& options) {
    struct Live {
      std::vector<int32_t> ids;
      double total;
    };
    std::vector<Live> live = {{{}, 0.0}};
    std::vector<BeamResult> finished;
    const auto beams = static_cast<size_t>(options.beams);
    const auto finish = [&](const std::vector<int32_t>& ids, double total, size_t length,
                            bool ended) {
      finished.push_back(
          {ids, total / std::pow(static_cast<double>(length), options.length_penalty), ended});
      std::stable_sort(finished.begin(), finished.end(),
                       [](const auto& a, const auto& b) { return a.score > b.score; });
      if (finished.size() > beams) finished.pop_back();
    };
    for (size_t length = 1; length <= static_cast<size_t>(options.max_tokens); ++length) {
      std::vector<Live> all;
      for (const Live& one : live) {
        const std::vector<double> log_probabilities = next(source, one.ids);
        for (size_t id = 0; id < log_probabilities.size(); ++id) {
          Live longer{one.ids, one.total + log_probabilities[id]};
          longer.ids.push_back(static_cast<int32_t>(id));
          if (!std::isinf(longer.total)) all.push_back(longer);
        }
      }
      std::stable_sort(all.begin(), all.end(),
                       [](const Live& a, const Live& b) { return a.total > b.total; });
      live.clear();
      for (size_t rank = 0; rank < all.size() && rank < 2 * beams && live.size() < beams; ++rank) {
        Live& one = all[rank];
        if (one.ids.back() == network_->config().end_ids[0]) {
          one.ids.pop_back();
          if (rank < beams) finish(one.ids, one.total, length, true);
        } else {
          live.push_back(one);
        }
      }
      const double attainable =
          all[0].total / std::pow(static_cast<double>(length), options.length_penalty);
      if (finished.size() == beams && finished.back().score >= attainable) return finished[0];
    }
    if (finished.size() < beams) {
      for (const Live& one : live) finish(one.ids, one.total, one.ids.size(), false);
    }
    return finished[0];
  }

  ThreadPool pool_{2};
  HeapAllocator memory_;
  Backend backend_ = make_cpu_backend();
  Exec exec_{&pool_, &memory_, &backend_};
  std::unique_ptr<EncoderDecoder> network_;
};

TEST_P(BeamSearchTest, CachedDecodingEqualsUncached) {
  make();
  const Tensor source = encode({3, 9, 4, 33, 21});
  const Tensor ids = testing::random_ids(memory_, 1, 17, 2);
  const Tensor whole = network_->decode(exec_, ids, source).reshaped(Shape{17, 24});
  DecodingCache cache = network_->make_cache(memory_, 1, 17);
  int64_t at = 0;
  for (const int64_t step : {5, 1, 1, 7, 1, 2}) {
    Tensor part = Tensor::empty(memory_, Shape{1, step}, DType::kI32);
    std::copy_n(ids.i32() + at, step, part.i32());
    const Tensor hidden = network_->decode(exec_, part, source, {}, &cache);
    EXPECT_LE(relative_difference(hidden.reshaped(Shape{step, 24}), whole.slice(at, at + step)),
              1e-5)
        << "from token " << at;
    at += step;
  }
  Tensor more = testing::random_ids(memory_, 1, 1, 3);
  EXPECT_THROW(network_->decode(exec_, more, source, {}, &cache), Error);
}

TEST_P(BeamSearchTest, TheCacheGrows) {
  make();
  if (network_->config().decoder.max_positions < 100) GTEST_SKIP() << "SKIPPED: short context";
  const Tensor source = encode({3, 9, 4});
  const Tensor ids = testing::random_ids(memory_, 1, 100, 2);
  const Tensor whole = network_->decode(exec_, ids, source).reshaped(Shape{100, 24});
  DecodingCache cache = network_->make_cache(memory_, 1, 100);
  for (int64_t t = 0; t < 100; ++t) {
    Tensor part = Tensor::empty(memory_, Shape{1, 1}, DType::kI32);
    part.i32()[0] = ids.i32()[t];
    const Tensor hidden = network_->decode(exec_, part, source, {}, &cache);
    ASSERT_LE(relative_difference(hidden.reshaped(Shape{1, 24}), whole.slice(t, t + 1)), 1e-4)
        << "token " << t;
  }
}

TEST_P(BeamSearchTest, OneBeamIsGreedy) {
  make();
  const std::vector<int32_t> source = {3, 9, 4, 33, 21};
  const Tensor hidden = encode(source);
  std::vector<int32_t> greedy;
  bool ended = false;
  while (greedy.size() < 20 && !ended) {
    const std::vector<double> probabilities = next(hidden, greedy);
    const auto best = static_cast<int32_t>(
        std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
    ended = best == network_->config().end_ids[0];
    if (!ended) greedy.push_back(best);
  }
  const BeamResult result = beam_search(exec_, *network_, source, {1, 1.0, 20});
  EXPECT_EQ(result.ids, greedy);
  EXPECT_EQ(result.ended, ended);
}

TEST_P(BeamSearchTest, EqualsTheSlowSearchWithoutCaches) {
  for (const double penalty : {0.0, 1.0, 2.5}) {
    for (const int64_t beams : {1, 2, 3, 5}) {
      make(9);
      const std::vector<int32_t> source = {3, 6, 4, 2};
      const BeamOptions options{beams, penalty, 9};
      const BeamResult want = slow_search(encode(source), options);
      const BeamResult got = beam_search(exec_, *network_, source, options);
      EXPECT_EQ(got.ids, want.ids) << beams << " beams, penalty " << penalty;
      EXPECT_NEAR(got.score, want.score, 1e-4);
      EXPECT_EQ(got.ended, want.ended);
    }
  }
}

TEST_P(BeamSearchTest, EnoughBeamsFindTheBestOfAllOutputs) {
  make(5);
  const std::vector<int32_t> source = {3, 2, 4};
  for (const double penalty : {0.0, 1.0}) {
    const BeamResult want = best_of_all(encode(source), 3, penalty);
    const BeamResult got = beam_search(exec_, *network_, source, {200, penalty, 3});
    EXPECT_EQ(got.ids, want.ids) << "penalty " << penalty;
    EXPECT_NEAR(got.score, want.score, 1e-4);
  }
}

TEST_P(BeamSearchTest, BadArgumentsAreErrors) {
  make();
  const std::vector<int32_t> source = {3};
  EXPECT_THROW(beam_search(exec_, *network_, {}, {1, 1.0, 5}), Error);
  EXPECT_THROW(beam_search(exec_, *network_, source, {0, 1.0, 5}), Error);
  EXPECT_THROW(beam_search(exec_, *network_, source, {1, 1.0, 0}), Error);
  EXPECT_THROW(beam_search(exec_, *network_, source, {1, NAN, 5}), Error);
  EXPECT_THROW(beam_search(exec_, *network_, std::vector<int32_t>{99}, {1, 1.0, 5}), Error);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(beam_search(exec_, *network_, source, {1, 1.0, 5}, stop.get_token()), Error);
}

INSTANTIATE_TEST_SUITE_P(Families, BeamSearchTest, ::testing::Values("t5", "umt5", "marian"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace onmal
