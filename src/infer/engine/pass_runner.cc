#include "infer/engine/pass_runner.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/memory_size.h"
#include "infer/answer_end.h"

namespace onmal {
namespace {

constexpr int64_t kUsualContexts = 4;
constexpr int64_t kMostArenaRows = 64;

// Pages for all that `cache_tokens` asks for, as PassRunner's constructor says.
int64_t page_count(const LanguageModel& model, const GeneratorOptions& options, int64_t context,
                   int64_t cache_tokens) {
  const DecoderConfig& config = model.decoder->config();
  const int64_t values = 2 * config.layers * kPageTokens * config.kv_heads * config.head_dim;
  const int64_t page_bytes = std::max<int64_t>(dtype_bytes(options.cache_type, values), 1);
  const int64_t least = pages_for(context);
  int64_t pages = std::max(least, pages_for(cache_tokens));
  if (cache_tokens == 0) {
    const int64_t roomy = memory_size().available / 2 / page_bytes;
    pages = std::clamp(roomy, least, kUsualContexts * least);
  }
  require_memory(
      pages * page_bytes, model.path.string(),
      "the cache of keys and values for " + std::to_string(pages * kPageTokens) + " tokens",
      "ask for a shorter context or a smaller cache");
  return pages;
}

}  // namespace

PassRunner::PassRunner(const LanguageModel& model, ThreadPool& pool,
                       const GeneratorOptions& options, int64_t cache_tokens)
    : model_(model),
      threads_(pool),
      backend_(make_cpu_backend(options.isa)),
      matmul_(options.matmul),
      context_(context_of(model, options)),
      packed_(options.repack && options.matmul == MatmulPrecision::kInt8
                  ? model.packing->get(*model.decoder, model.backing != nullptr, backend_, pool,
                                       PackedFor::kMany)
                  : nullptr),
      pages_(std::make_unique<PagePool>(model.decoder->make_pages(
          long_lived_, page_count(model, options, context_, cache_tokens), options.cache_type))) {}

std::span<const float> PassRunner::run(std::span<const Stretch> stretches) {
  if (stretches.empty()) return {};
  ids_.clear();
  segments_.clear();
  bool reads = false;
  for (const Stretch& stretch : stretches) {
    ids_.insert(ids_.end(), stretch.ids.begin(), stretch.ids.end());
    segments_.push_back(
        {stretch.sequence, static_cast<int64_t>(stretch.ids.size()), stretch.reads});
    reads = reads || stretch.reads;
  }
  const auto rows = static_cast<int64_t>(ids_.size());
  const bool small = !reads && rows <= kMostArenaRows;
  if (small) {
    writing_memory_.reset();
  } else if (rows != last_rows_) {
    reading_memory_.trim();  // blocks of other sizes would stay for ever
    last_rows_ = rows;
  }
  Exec exec{&threads_, small ? static_cast<Allocator*>(&writing_memory_) : &reading_memory_,
            &backend_};
  exec.matmul_precision = matmul_;
  exec.packed = packed_.get();
  DecoderInput input;
  input.ids = Tensor::borrowed(ids_.data(), Shape{1, rows}, DType::kI32);
  input.segments = segments_;
  const Tensor hidden = model_.decoder->forward(exec, input);
  const Tensor last = wanted_rows(exec, hidden, stretches);
  if (!last.defined()) return {};
  exec.separate_rows = last.dim(0);
  const Tensor logits = model_.decoder->logits(exec, last);
  logits_.assign(logits.f32(), logits.f32() + logits.elements());
  return logits_;
}

// Hidden states [wanted, dim] of the tokens whose logits are wanted; undefined where none are.
Tensor PassRunner::wanted_rows(Exec& exec, const Tensor& hidden,
                               std::span<const Stretch> stretches) const {
  const int64_t wanted = std::count_if(stretches.begin(), stretches.end(),
                                       [](const Stretch& one) { return one.wants_logits; });
  if (wanted == 0) return {};
  const int64_t dim = hidden.dim(-1);
  const Tensor last = Tensor::empty(*exec.memory, Shape{wanted, dim});
  float* target = last.f32();
  int64_t row = 0;
  for (const Stretch& stretch : stretches) {
    row += static_cast<int64_t>(stretch.ids.size());
    if (!stretch.wants_logits) continue;
    std::copy_n(hidden.f32() + (row - 1) * dim, dim, target);
    target += dim;
  }
  return last;
}

}  // namespace onmal
