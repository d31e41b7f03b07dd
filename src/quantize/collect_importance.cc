#include "quantize/collect_importance.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "models/architecture.h"
#include "models/weight_io.h"
#include "ops/linear.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// Adds up squares per column under the weight's name. Weights are known by where they lie.
class Collector : public LinearObserver {
 public:
  Collector(Decoder& decoder, ImportanceMatrix& matrix) {
    const Architecture& architecture =
        find_architecture(decoder.config().architecture, "importance");
    decoder.visit([&](Param& param) {
      if (param.kind != ParamKind::kMatrix) return;
      const std::string name = stored_name(architecture.gguf_names(), decoder.config(), param.name);
      if (name.empty()) return;
      const Shape& shape = param.value.shape();
      const int64_t matrices = shape.rank() == 3 ? shape.dim(0) : 1;
      for (int64_t i = 0; i < matrices; ++i) {
        places_[param.value.slice(i, matrices == 1 ? shape.dim(0) : i + 1).data()] = {
            &matrix.entries[name], i, matrices};
      }
    });
  }

  void observe(Exec& exec, const Tensor& x, const Tensor& weight) override {
    const auto found = places_.find(weight.data());
    if (found == places_.end()) return;
    const auto& [target, index, matrices] = found->second;
    const int64_t columns = x.dim(1);
    target->squares.resize(static_cast<size_t>(matrices * columns));
    target->counts.resize(static_cast<size_t>(matrices));
    target->counts[static_cast<size_t>(index)] += static_cast<double>(x.dim(0));
    double* squares = target->squares.data() + index * columns;
    constexpr int64_t kColumnsPerTask = 64;
    exec.pool->for_blocks(0, columns, kColumnsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t row = 0; row < x.dim(0); ++row) {
        for (int64_t column = begin; column < end; ++column) {
          const auto value = static_cast<double>(x.f32()[row * columns + column]);
          squares[column] += value * value;
        }
      }
    });
  }

 private:
  // A weight matrix: one of a stack, for experts.
  struct Place {
    ImportanceEntry* entry;
    int64_t index;
    int64_t matrices;
  };
  std::unordered_map<const void*, Place> places_;
};

void check_finite(const ImportanceMatrix& matrix, const std::string& where) {
  for (const auto& [name, entry] : matrix.entries) {
    if (!std::all_of(entry.squares.begin(), entry.squares.end(),
                     [](double sum) { return std::isfinite(sum); })) {
      throw Error(ErrorCode::kNumeric, where, "the input of '" + name + "' is not finite",
                  "the model file may be damaged");
    }
  }
}

}  // namespace

ImportanceMatrix collect_importance(const LanguageModel& model, std::span<const int32_t> ids,
                                    const CollectOptions& options, ThreadPool& pool,
                                    FunctionRef<void(int64_t)> progress,
                                    const std::stop_token& stop) {
  const int64_t longest = model.decoder->config().max_positions;
  const auto tokens = static_cast<int64_t>(ids.size());
  if (tokens == 0 || options.chunk_tokens < 2) {
    throw Error(ErrorCode::kInvalidArgument, "importance",
                tokens == 0 ? "the text has no tokens" : "a chunk needs at least two tokens");
  }
  const int32_t begin_id = model.tokenizer == nullptr ? -1 : model.tokenizer->begin_id();
  const int64_t chunk = std::min(options.chunk_tokens, longest);
  const int64_t step = begin_id >= 0 ? chunk - 1 : chunk;
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  ImportanceMatrix matrix;
  Collector collector(*model.decoder, matrix);
  Exec exec{&pool, &memory, &backend};
  exec.observer = &collector;
  for (int64_t begin = 0; begin < tokens; begin += step) {
    if (options.most_chunks > 0 && matrix.chunks == options.most_chunks) break;
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, "importance", "stopped; nothing was written");
    }
    const int64_t end = std::min(tokens, begin + step);
    std::vector<int32_t> window(ids.begin() + begin, ids.begin() + end);
    if (begin_id >= 0) window.insert(window.begin(), begin_id);
    const Tensor input =
        Tensor::borrowed(window.data(), Shape{1, static_cast<int64_t>(window.size())}, DType::kI32);
    model.decoder->forward(exec, {input, {}, nullptr});
    ++matrix.chunks;
    progress(end);
  }
  check_finite(matrix, model.path.string());
  // A layer that never ran has nothing to say.
  std::erase_if(matrix.entries, [](const auto& item) { return item.second.counts.empty(); });
  matrix.chunk_tokens = chunk;
  if (!options.dataset.empty()) matrix.datasets.push_back(options.dataset);
  return matrix;
}

}  // namespace onmal
