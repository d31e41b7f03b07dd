// How fast an engine answers many requests at once, and how soon one whose beginning is known
// already. A JSON line for each. Usage:
//   engine_bench MODEL [--threads N] [--tokens N] [--prompt N] [--prefix N] [--context N]
//                [--repack 0]  weights as they are stored
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/timer.h"
#include "infer/engine/engine.h"

namespace {

using namespace onmal;

struct Options {
  const char* model = nullptr;
  int threads = 0;
  int64_t tokens = 64;
  int64_t prompt = 32;
  int64_t prefix = 2000;
  int64_t context = 4096;
  bool repack = true;
};

// When a request's first token came and when its last.
class Clock : public EngineListener {
 public:
  explicit Clock(const Timer& timer) : timer_(timer) {}
  void on_text(std::string_view, std::span<const SampledToken>) override {
    const std::lock_guard lock(mutex_);
    if (first_ < 0) first_ = timer_.seconds();
  }
  void on_end(const GenerateResult& result) override { end(result, {}); }
  void on_error(const Error& error) override { end({}, error.what()); }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ >= 0; });
    if (error_.empty()) return;
    std::fprintf(stderr, "engine_bench: %s\n", error_.c_str());
    std::exit(1);
  }
  double first() const { return first_; }
  double ended() const { return ended_; }
  const GenerateResult& result() const { return result_; }

 private:
  void end(const GenerateResult& result, const std::string& error) {
    const std::lock_guard lock(mutex_);
    result_ = result;
    error_ = error;
    ended_ = timer_.seconds();
    changed_.notify_all();
  }

  const Timer& timer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  double first_ = -1, ended_ = -1;
  GenerateResult result_;
  std::string error_;
};

std::vector<int32_t> random_ids(int64_t count, int64_t vocabulary, uint64_t seed) {
  Rng rng(seed);
  std::vector<int32_t> ids(static_cast<size_t>(count));
  for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary)));
  return ids;
}

EngineRequest request(std::vector<int32_t> prompt, int64_t tokens) {
  EngineRequest made;
  made.prompt = std::move(prompt);
  made.options.max_tokens = tokens;
  made.options.ignore_end = true;
  made.options.sampler.temperature = 0;
  return made;
}

void answer_together(Engine& engine, int64_t vocabulary, const Options& options, int64_t requests) {
  const Timer timer;
  std::vector<std::shared_ptr<Clock>> clocks;
  for (int64_t i = 0; i < requests; ++i) {
    clocks.push_back(std::make_shared<Clock>(timer));
    const uint64_t seed = static_cast<uint64_t>(1000 * requests + i);
    engine.submit(request(random_ids(options.prompt, vocabulary, seed), options.tokens),
                  clocks.back());
  }
  double last_first = 0;
  double last_end = 0;
  int64_t tokens = 0;
  for (const auto& clock : clocks) {
    clock->wait();
    last_first = std::max(last_first, clock->first());
    last_end = std::max(last_end, clock->ended());
    tokens += static_cast<int64_t>(clock->result().ids.size());
  }
  std::printf(
      "{\"requests\":%lld,\"prompt\":%lld,\"tokens\":%lld,\"seconds\":%.3f,"
      "\"tokens_per_s\":%.2f,\"decode_tokens_per_s\":%.2f,\"last_first_token_s\":%.3f}\n",
      static_cast<long long>(requests), static_cast<long long>(options.prompt),
      static_cast<long long>(tokens), last_end, static_cast<double>(tokens) / last_end,
      static_cast<double>(tokens - requests) / (last_end - last_first), last_first);
  std::fflush(stdout);
}

void answer_behind_prefix(Engine& engine, int64_t vocabulary, const Options& options) {
  const std::vector<int32_t> prefix = random_ids(options.prefix, vocabulary, 7);
  for (const bool known : {false, true}) {
    std::vector<int32_t> prompt = prefix;
    for (const int32_t id : random_ids(16, vocabulary, known ? 8 : 9)) prompt.push_back(id);
    const Timer timer;
    const auto clock = std::make_shared<Clock>(timer);
    engine.submit(request(prompt, 2), clock);
    clock->wait();
    std::printf("{\"prefix\":%lld,\"known\":%s,\"cached_tokens\":%lld,\"first_token_s\":%.4f}\n",
                static_cast<long long>(options.prefix), known ? "true" : "false",
                static_cast<long long>(clock->result().cached_tokens), clock->first());
    std::fflush(stdout);
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word.substr(0, 2) != "--") {
      options.model = argv[i];
      continue;
    }
    if (word == "--threads") options.threads = std::atoi(value);
    if (word == "--tokens") options.tokens = std::max(2, std::atoi(value));
    if (word == "--prompt") options.prompt = std::max(1, std::atoi(value));
    if (word == "--prefix") options.prefix = std::max(0, std::atoi(value));
    if (word == "--context") options.context = std::max(0, std::atoi(value));
    if (word == "--repack") options.repack = std::atoi(value) != 0;
    ++i;
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.model == nullptr) {
    std::fprintf(stderr, "usage: engine_bench MODEL [--threads N] [--tokens N] ...\n");
    return 2;
  }
  try {
    const LanguageModel model = load_language_model(options.model);
    ThreadPool pool(options.threads);
    EngineOptions engine_options;
    engine_options.generator.context = options.context;
    engine_options.generator.repack = options.repack;
    Engine engine(model, pool, engine_options);
    const int64_t vocabulary = model.decoder->config().vocab_size;
    for (const int64_t requests : {1, 1, 8, 32})
      answer_together(engine, vocabulary, options, requests);
    if (options.prefix > 0) answer_behind_prefix(engine, vocabulary, options);
  } catch (const Error& error) {
    std::fprintf(stderr, "engine_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
