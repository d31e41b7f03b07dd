#include "infer/divergence.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kRowsAtOnce = 64;

struct RowResult {
  double divergence, model_loss, base_loss;
  bool same_top;
};

// Largest logit and the logarithm of the sum of all exponentials.
struct Normalizer {
  explicit Normalizer(std::span<const float> logits)
      : top(std::max_element(logits.begin(), logits.end()) - logits.begin()) {
    const auto largest = static_cast<double>(logits[static_cast<size_t>(top)]);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
    log_sum = largest + std::log(sum);
  }
  std::ptrdiff_t top;
  double log_sum;
};

RowResult compare_rows(std::span<const float> model, std::span<const float> base, int32_t target) {
  const Normalizer of_model(model);
  const Normalizer of_base(base);
  double divergence = 0;
  for (size_t i = 0; i < model.size(); ++i) {
    const double log_base = static_cast<double>(base[i]) - of_base.log_sum;
    const double log_model = static_cast<double>(model[i]) - of_model.log_sum;
    const double probability = std::exp(log_base);
    if (probability > 0) divergence += probability * (log_base - log_model);
  }
  const auto at = static_cast<size_t>(target);
  return {std::max(divergence, 0.0), of_model.log_sum - static_cast<double>(model[at]),
          of_base.log_sum - static_cast<double>(base[at]), of_model.top == of_base.top};
}

class Comparison {
 public:
  Comparison(const LanguageModel& model, const LanguageModel& base, ThreadPool& pool,
             MatmulPrecision matmul)
      : model_(*model.decoder), base_(*base.decoder), backend_(make_cpu_backend()), pool_(pool) {
    exec_.pool = &pool;
    exec_.memory = &memory_;
    exec_.backend = &backend_;
    exec_.matmul_precision = matmul;
  }

  // Inputs [from, end) of the window that begins at `begin`.
  void window(std::span<const int32_t> ids, int64_t begin, int64_t from, int64_t end) {
    const int64_t length = end - begin;
    const Tensor input =
        Tensor::borrowed(const_cast<int32_t*>(ids.data()) + begin, Shape{1, length}, DType::kI32);
    const Tensor ours = hidden(model_, input);
    const Tensor theirs = hidden(base_, input);
    for (int64_t row = from - begin; row < length; row += kRowsAtOnce) {
      const int64_t past = std::min(length, row + kRowsAtOnce);
      rows(model_.logits(exec_, ours.slice(row, past)),
           base_.logits(exec_, theirs.slice(row, past)),
           ids.subspan(static_cast<size_t>(begin + row + 1), static_cast<size_t>(past - row)));
    }
  }

  Divergence result() {
    Divergence found;
    const auto count = static_cast<int64_t>(results_.size());
    std::vector<double> divergences;
    int64_t same = 0;
    for (const RowResult& row : results_) {
      found.mean += row.divergence / static_cast<double>(count);
      found.model.negative_log_likelihood += row.model_loss;
      found.base.negative_log_likelihood += row.base_loss;
      same += row.same_top ? 1 : 0;
      divergences.push_back(row.divergence);
    }
    std::sort(divergences.begin(), divergences.end());
    found.p99 = divergences[static_cast<size_t>(count - 1) * 99 / 100];
    found.largest = divergences.back();
    found.top1_agreement = static_cast<double>(same) / static_cast<double>(count);
    found.model.tokens = found.base.tokens = count;
    return found;
  }

 private:
  Tensor hidden(const Decoder& decoder, const Tensor& input) {
    return decoder.forward(exec_, {input, {}, nullptr})
        .reshaped(Shape{input.dim(1), decoder.config().dim});
  }

  void rows(const Tensor& model, const Tensor& base, std::span<const int32_t> targets) {
    const size_t before = results_.size();
    results_.resize(before + targets.size());
    const auto vocabulary = static_cast<size_t>(model.dim(1));
    pool_.for_blocks(0, model.dim(0), 4, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const auto index = static_cast<size_t>(row);
        results_[before + index] =
            compare_rows({model.f32() + row * model.dim(1), vocabulary},
                         {base.f32() + row * base.dim(1), vocabulary}, targets[index]);
      }
    });
  }

  const Decoder& model_;
  const Decoder& base_;
  Backend backend_;
  ThreadPool& pool_;
  CachingAllocator memory_;
  Exec exec_;
  std::vector<RowResult> results_;
};

}  // namespace

Divergence compare_models(const LanguageModel& model, const LanguageModel& base, ThreadPool& pool,
                          std::span<const int32_t> ids, const ScoreOptions& options,
                          FunctionRef<void(int64_t)> progress, const std::stop_token& stop) {
  const int64_t size = model.decoder->config().vocab_size;
  const int64_t base_size = base.decoder->config().vocab_size;
  if (size != base_size) {
    throw Error(ErrorCode::kInvalidArgument, base.path.string(),
                "has " + std::to_string(base_size) + " tokens, " + model.path.string() + " has " +
                    std::to_string(size),
                "compare models of the same vocabulary");
  }
  const int64_t context =
      std::min(model.decoder->config().max_positions, base.decoder->config().max_positions);
  Comparison comparison(model, base, pool, options.matmul);
  for_each_window(static_cast<int64_t>(ids.size()), context, options,
                  [&](int64_t begin, int64_t from, int64_t end) {
                    if (stop.stop_requested()) {
                      throw Error(ErrorCode::kCancelled, "comparison",
                                  "stopped before all tokens were compared");
                    }
                    comparison.window(ids, begin, from, end);
                    progress(end);
                  });
  const Divergence found = comparison.result();
  if (!std::isfinite(found.mean)) {
    throw Error(ErrorCode::kNumeric, model.path.string(), "its divergence is not a number",
                "one of the model files may be damaged");
  }
  return found;
}

}  // namespace onmal
