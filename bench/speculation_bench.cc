// Speculative decoding on random weights, whose answers repeat nothing: a continuation is given,
// and every guess of it is right with a stated probability, drawn beforehand. The passes, the
// numbers of guesses (DraftLength) and the cache's truncation are those of Generator; sampling is
// left out on both sides. Usage: speculation_bench [SHAPE [TYPE [THREADS [TOKENS [GUESSES]]]]],
// JSON lines out.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/timer.h"
#include "cli/random_model.h"
#include "infer/speculation.h"
#include "tensor/allocators.h"

namespace {

using namespace onmal;

constexpr int64_t kPrompt = 64;

class Sequence {
 public:
  Sequence(const LanguageModel& model, int threads, int64_t capacity)
      : decoder_(*model.decoder),
        pool_(threads),
        backend_(make_cpu_backend()),
        packed_(model.packing->get(*model.decoder, false, backend_, pool_, PackedFor::kOne)),
        cache_(decoder_.make_cache(heap_, capacity)),
        ids_(static_cast<size_t>(capacity)) {
    Rng rng(7);
    for (int32_t& id : ids_) {
      id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(decoder_.config().vocab_size)));
    }
  }

  void begin() {
    cache_.truncate(0);
    pass(kPrompt);
  }
  // Runs the next `count` tokens with all their logits; returns the seconds it took.
  double pass(int64_t count) {
    const Timer timer;
    arena_.reset();
    Exec exec{&pool_, &arena_, &backend_};
    exec.matmul_precision = MatmulPrecision::kInt8;
    exec.packed = packed_.get();
    const Tensor ids =
        Tensor::borrowed(ids_.data() + cache_.length(), Shape{1, count}, DType::kI32);
    const Tensor hidden = decoder_.forward(exec, {ids, {}, &cache_});
    decoder_.logits(exec, hidden.reshaped(Shape{count, decoder_.config().dim}));
    return timer.seconds();
  }
  void take_back(int64_t tokens) { cache_.truncate(cache_.length() - tokens); }

 private:
  const Decoder& decoder_;
  ThreadPool pool_;
  Backend backend_;
  std::shared_ptr<const PackedWeights> packed_;
  HeapAllocator heap_;
  Arena arena_;
  KvCache cache_;
  std::vector<int32_t> ids_;
};

double plain_seconds(Sequence& sequence, int64_t tokens) {
  sequence.begin();
  double seconds = 0;
  for (int64_t i = 0; i < tokens; ++i) seconds += sequence.pass(1);
  return seconds;
}

struct Speculated {
  double seconds = 0;
  int64_t passes = 0, guessed = 0, accepted = 0;
};

Speculated speculated(Sequence& sequence, DraftLength& length, int64_t tokens, double rate,
                      int64_t most) {
  Rng rng(11);
  Speculated result;
  sequence.begin();
  for (int64_t done = 0; done < tokens;) {
    const int64_t guesses = std::min(length.best(rate, 0.0, most), tokens - done - 1);
    int64_t right = 0;
    while (right < guesses && rng.uniform() < rate) ++right;
    const double seconds = sequence.pass(1 + guesses);
    sequence.take_back(guesses - right);
    length.measured(1 + guesses, seconds);
    result.seconds += seconds;
    ++result.passes;
    result.guessed += guesses;
    result.accepted += right;
    done += 1 + right;
  }
  return result;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, const char* usual) { return argc > i ? argv[i] : usual; };
  const std::string shape = argument(1, "1b");
  const std::string type = argument(2, "q4_0");
  const int threads = std::atoi(argument(3, "2"));
  const int64_t tokens = std::max(8, std::atoi(argument(4, "48")));
  const int64_t most = std::clamp(std::atoi(argument(5, "15")), 1, 64);
  const LanguageModel model = random_model(shape, dtype_from_name(type).value_or(DType::kQ4_0));
  Sequence sequence(model, threads, kPrompt + tokens + most + 1);
  DraftLength length(most);
  plain_seconds(sequence, 8);  // warms up
  std::vector<double> plain;
  const std::vector<double> rates = {0.5, 0.7, 0.8, 0.9, 0.95};
  std::vector<std::vector<double>> seconds(rates.size());
  std::vector<Speculated> last(rates.size());
  for (int round = 0; round < 3; ++round) {
    plain.push_back(plain_seconds(sequence, tokens));
    for (size_t i = 0; i < rates.size(); ++i) {
      last[i] = speculated(sequence, length, tokens, rates[i], most);
      seconds[i].push_back(last[i].seconds);
    }
  }
  for (size_t i = 0; i < rates.size(); ++i) {
    std::printf(
        "{\"shape\": \"%s\", \"type\": \"%s\", \"threads\": %d, \"tokens\": %lld, \"acceptance\": "
        "%.2f, \"guesses_a_pass\": %.1f, \"plain_tokens_per_s\": %.2f, \"tokens_per_s\": %.2f, "
        "\"speedup\": %.2f}\n",
        shape.c_str(), type.c_str(), threads, static_cast<long long>(tokens), rates[i],
        static_cast<double>(last[i].guessed) / static_cast<double>(last[i].passes),
        static_cast<double>(tokens) / median(plain),
        static_cast<double>(tokens) / median(seconds[i]), median(plain) / median(seconds[i]));
  }
  return 0;
}
