#include "infer/score.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kLongestWindow = 2048;
constexpr int32_t kIgnored = -100;

// Sum of -ln p over inputs[from, end) predicting the token behind each.
double score_window(Exec& exec, const Decoder& decoder, std::span<const int32_t> ids, int64_t begin,
                    int64_t from, int64_t end) {
  const int64_t length = end - begin;
  const Tensor input =
      Tensor::borrowed(const_cast<int32_t*>(ids.data()) + begin, Shape{1, length}, DType::kI32);
  const Tensor targets = Tensor::empty(*exec.memory, Shape{1, length}, DType::kI32);
  for (int64_t t = 0; t < length; ++t) {
    targets.i32()[t] = begin + t < from ? kIgnored : ids[static_cast<size_t>(begin + t + 1)];
  }
  const CrossEntropyResult result =
      decoder.loss(exec, decoder.forward(exec, {input, {}, nullptr}), targets);
  double sum = 0;
  for (int64_t t = from - begin; t < length; ++t) {
    sum += static_cast<double>(result.losses.f32()[t]);
  }
  return sum;
}

}  // namespace

double Score::perplexity() const {
  return std::exp(negative_log_likelihood / static_cast<double>(tokens));
}

double Score::bits_per_byte(int64_t bytes) const {
  return negative_log_likelihood / std::numbers::ln2 / static_cast<double>(bytes);
}

namespace {

void for_each_chunk(int64_t ids, int64_t context, int64_t chunk,
                    FunctionRef<void(int64_t begin, int64_t from, int64_t end)> body) {
  if (chunk < 4 || chunk > context) {
    throw Error(ErrorCode::kInvalidArgument, "chunk",
                "must be from 4 to the model's context of " + std::to_string(context));
  }
  if (ids < chunk) {
    throw Error(
        ErrorCode::kInvalidArgument, "text",
        "has " + std::to_string(ids) + " tokens, fewer than a chunk of " + std::to_string(chunk),
        "give a longer text or shorter chunks");
  }
  for (int64_t begin = 0; begin + chunk <= ids; begin += chunk) {
    body(begin, begin + chunk / 2, begin + chunk - 1);
  }
}

}  // namespace

void for_each_window(int64_t ids, int64_t context, const ScoreOptions& options,
                     FunctionRef<void(int64_t begin, int64_t from, int64_t end)> body) {
  if (ids < 2) {
    throw Error(ErrorCode::kInvalidArgument, "text", "needs at least two tokens to be scored",
                "give a longer text");
  }
  if (options.chunk > 0) return for_each_chunk(ids, context, options.chunk, body);
  const int64_t window = options.window > 0 ? options.window : std::min(context, kLongestWindow);
  const int64_t stride = options.stride > 0 ? options.stride : std::max<int64_t>(window / 2, 1);
  if (window > context || stride > window) {
    throw Error(ErrorCode::kInvalidArgument, window > context ? "window" : "stride",
                window > context
                    ? "is longer than the model's context of " + std::to_string(context)
                    : "is longer than the window");
  }
  const int64_t inputs = ids - 1;
  for (int64_t from = 0; from < inputs;) {
    // The first window scores all it sees.
    const int64_t end = std::min(inputs, from == 0 ? window : from + stride);
    body(std::max<int64_t>(0, end - window), from, end);
    from = end;
  }
}

Score score_tokens(const LanguageModel& model, ThreadPool& pool, std::span<const int32_t> ids,
                   const ScoreOptions& options, FunctionRef<void(int64_t)> progress,
                   const std::stop_token& stop) {
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  exec.matmul_precision = options.matmul;
  Score score;
  const auto score_one = [&](int64_t begin, int64_t from, int64_t end) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, "score", "stopped before all tokens were scored");
    }
    score.negative_log_likelihood += score_window(exec, *model.decoder, ids, begin, from, end);
    score.tokens += end - from;
    progress(end);
  };
  for_each_window(static_cast<int64_t>(ids.size()), model.decoder->config().max_positions, options,
                  score_one);
  if (!std::isfinite(score.negative_log_likelihood)) {
    throw Error(ErrorCode::kNumeric, model.path.string(), "the model's likelihood is not a number",
                "the model file may be damaged");
  }
  return score;
}

}  // namespace onmal
