#include "train/contrastive_objective.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "base/error.h"
#include "corpus/held_out.h"
#include "corpus/packed_dataset.h"
#include "corpus/source.h"
#include "models/sentence_modules.h"
#include "models/text_rows.h"
#include "ops/cpu/gemm.h"
#include "train/batch_source.h"
#include "train/fresh_model.h"
#include "train/row_batch.h"

namespace onmal {
namespace {

constexpr double kLeastLength = 1e-12;  // of a mean that is divided by

// Means of the spans at length 1, f32 [spans, D], and their lengths before.
Tensor pool_spans(Exec& exec, const Tensor& hidden, std::span<const TrainBatch::Span> spans,
                  std::vector<double>& lengths) {
  const int64_t dim = hidden.dim(-1);
  const auto count = static_cast<int64_t>(spans.size());
  const Tensor vectors = Tensor::empty(*exec.memory, Shape{count, dim});
  lengths.resize(spans.size());
  exec.pool->run(count, [&](int64_t i, int /*thread*/) {
    const TrainBatch::Span& span = spans[static_cast<size_t>(i)];
    float* out = vectors.f32() + i * dim;
    std::fill_n(out, dim, 0.0F);
    for (int64_t t = span.begin; t < span.end; ++t) {
      const float* row = hidden.f32() + t * dim;
      for (int64_t d = 0; d < dim; ++d) out[d] += row[d];
    }
    double squares = 0;
    for (int64_t d = 0; d < dim; ++d)
      squares += static_cast<double>(out[d]) * static_cast<double>(out[d]);
    const double length = std::max(std::sqrt(squares), kLeastLength);
    for (int64_t d = 0; d < dim; ++d)
      out[d] = static_cast<float>(static_cast<double>(out[d]) / length);
    lengths[static_cast<size_t>(i)] = length;  // of the sum: the mean's factor cancels out
  });
  return vectors;
}

// One direction: row i of scores [n, n] (rows `stride` apart, columns `step` apart) should choose
// column i. Adds weight * (softmax - one-hot) to `slopes`, laid out the same way, and returns
// -log softmax(i). Columns with the wanted one's number are left out.
double choose(const float* scores, int64_t n, int64_t step, int64_t own, const int32_t* numbers,
              double weight, float* slopes) {
  const auto counts = [&](int64_t j) { return j == own || numbers[j] != numbers[own]; };
  double most = static_cast<double>(scores[own * step]);
  for (int64_t j = 0; j < n; ++j)
    if (counts(j)) most = std::max(most, static_cast<double>(scores[j * step]));
  double sum = 0;
  for (int64_t j = 0; j < n; ++j)
    if (counts(j)) sum += std::exp(static_cast<double>(scores[j * step]) - most);
  for (int64_t j = 0; j < n; ++j) {
    if (!counts(j)) continue;
    const double share = std::exp(static_cast<double>(scores[j * step]) - most) / sum;
    slopes[j * step] += static_cast<float>(weight * (share - (j == own ? 1.0 : 0.0)));
  }
  return std::log(sum) + most - static_cast<double>(scores[own * step]);
}

// d(loss)/d(hidden) of a token in a span: the gradient of the unit vector u through v / |v|,
// (g - (g·u) u) / |sum|, the same for each token. Filler gets zeros.
Tensor spread_gradient(Exec& exec, const Tensor& hidden, std::span<const TrainBatch::Span> spans,
                       const Tensor& vectors, const std::vector<double>& lengths,
                       const Tensor& gradient) {
  const Tensor seed = Tensor::zeros(*exec.memory, hidden.shape());
  const int64_t dim = hidden.dim(-1);
  exec.pool->run(static_cast<int64_t>(spans.size()), [&](int64_t i, int /*thread*/) {
    const TrainBatch::Span& span = spans[static_cast<size_t>(i)];
    const float* u = vectors.f32() + i * dim;
    float* g = gradient.f32() + i * dim;
    double along = 0;
    for (int64_t d = 0; d < dim; ++d)
      along += static_cast<double>(g[d]) * static_cast<double>(u[d]);
    for (int64_t d = 0; d < dim; ++d) {
      g[d] = static_cast<float>((static_cast<double>(g[d]) - along * static_cast<double>(u[d])) /
                                lengths[static_cast<size_t>(i)]);
    }
    for (int64_t t = span.begin; t < span.end; ++t) std::copy_n(g, dim, seed.f32() + t * dim);
  });
  return seed;
}

// The same number for the same ids.
void number_texts(std::span<const std::vector<int32_t>> texts, int32_t* numbers) {
  std::map<std::vector<int32_t>, int32_t> known;
  for (size_t i = 0; i < texts.size(); ++i)
    numbers[i] = known.emplace(texts[i], static_cast<int32_t>(i)).first->second;
}

}  // namespace

TrainLoss contrastive_loss(Exec& exec, const Tensor& hidden,
                           std::span<const TrainBatch::Span> spans, const Tensor& numbers,
                           double temperature, double normalizer, int64_t* found) {
  const auto n = static_cast<int64_t>(spans.size() / 2);
  const int64_t dim = hidden.dim(-1);
  std::vector<double> lengths;
  const Tensor vectors = pool_spans(exec, hidden, spans, lengths);
  const float* sources = vectors.f32();
  const float* targets = sources + n * dim;
  const Tensor scores = Tensor::empty(*exec.memory, Shape{n, n});
  const Tensor slopes = Tensor::zeros(*exec.memory, Shape{n, n});
  cpu::gemm(exec, n, n, dim, {sources, DType::kF32, dim, true}, {targets, DType::kF32, dim, true},
            nullptr, scores.f32(), n, false);
  const auto inverse = static_cast<float>(1.0 / temperature);
  for (int64_t i = 0; i < n * n; ++i) scores.f32()[i] *= inverse;
  const double weight = 0.5 / normalizer;
  TrainLoss loss;
  for (int64_t i = 0; i < n; ++i) {
    const float* row = scores.f32() + i * n;
    loss.value += weight * choose(row, n, 1, i, numbers.i32() + n, weight, slopes.f32() + i * n);
    loss.value +=
        weight * choose(scores.f32() + i, n, n, i, numbers.i32(), weight, slopes.f32() + i);
    if (found != nullptr) *found += std::max_element(row, row + n) - row == i;
  }
  loss.output = hidden;
  if (exec.tape == nullptr) return loss;
  for (int64_t i = 0; i < n * n; ++i) slopes.f32()[i] *= inverse;
  // d/dS = slopes · T, d/dT = slopes^T · S.
  const Tensor gradient = Tensor::empty(*exec.memory, vectors.shape());
  cpu::gemm(exec, n, dim, n, {slopes.f32(), DType::kF32, n, true},
            {targets, DType::kF32, dim, false}, nullptr, gradient.f32(), dim, false);
  cpu::gemm(exec, n, dim, n, {slopes.f32(), DType::kF32, n, false},
            {sources, DType::kF32, dim, false}, nullptr, gradient.f32() + n * dim, dim, false);
  loss.seed = spread_gradient(exec, hidden, spans, vectors, lengths, gradient);
  return loss;
}

ContrastiveObjective::ContrastiveObjective(const Recipe& recipe)
    : length_(recipe.data.length),
      temperature_(recipe.objective.temperature),
      run_(recipe.run),
      model_(start_encoder(recipe)) {
  const EncoderConfig& config = model_.encoder->config();
  if (length_ > config.max_positions) {
    throw Error(ErrorCode::kInvalidArgument, "data.length",
                std::to_string(length_) + " exceeds the model's context of " +
                    std::to_string(config.max_positions));
  }
  const DataRecipe& data = recipe.data;
  const bool own_table = !data.heldout_table.empty();
  read(data.table, data, !own_table);
  if (own_table) {
    std::vector<Pair> train;
    train.swap(train_);
    read(data.heldout_table, data, false);
    train.swap(train_);
    heldout_ = std::move(train);
  }
  if (train_.empty() || (heldout_.empty() && (own_table || data.heldout_permille > 0))) {
    throw Error(ErrorCode::kInvalidArgument, data.table.string(),
                train_.empty() ? "the training split is empty" : "the held-out split is empty",
                "check the file, or data.heldout_permille");
  }
  double weights = 0;
  visit([&](const Param& param) {
    if (param.kind == ParamKind::kMatrix) weights += static_cast<double>(param.shape.elements());
  });
  flops_per_token_ = 6.0 * weights;
}

void ContrastiveObjective::read(const std::filesystem::path& path, const DataRecipe& data,
                                bool split) {
  const Tokenizer& tokenizer = *model_.tokenizer.tokenizer;
  const auto encode = [&](const std::string& text) {
    return fit_text(tokenizer.encode(text, {.add_special = true}), length_, &tokenizer);
  };
  Source source;
  source.path = path;
  source.format = format_of_name(path, true);
  const std::string fields[] = {data.source_column, data.target_column};
  read_rows(source, fields, " ", [&](const RecordRow& record) {
    Pair pair;
    for (size_t i = 0; i < 2; ++i) {
      std::vector<int32_t>& ids = i == 0 ? pair.source : pair.target;
      if (record.values[i] && !record.values[i]->empty())
        ids = encode(i == 0 ? data.prefix + *record.values[i] : *record.values[i]);
      if (!ids.empty()) continue;
      throw Error(ErrorCode::kBadFile, path.string() + ", row " + std::to_string(record.row),
                  "has no '" + fields[i] + "'");
    }
    const bool held = split && is_held_out(*record.values[0], data.heldout_permille);
    (held ? heldout_ : train_).push_back(std::move(pair));
  });
}

std::string ContrastiveObjective::fingerprint() const {
  const EncoderConfig& m = model_.encoder->config();
  std::ostringstream text;
  text << "contrastive " << m.vocab_size << ' ' << m.dim << ' ' << m.layers << ' ' << m.heads << ' '
       << m.ffn_dim << ' ' << tokenizer_fingerprint(*model_.tokenizer.tokenizer) << ' '
       << train_.size() << ' ' << length_ << ' ' << temperature_ << ' ' << run_.batch << ' '
       << run_.accumulation << ' ' << run_.seed;
  return text.str();
}

void ContrastiveObjective::save(const std::filesystem::path& folder) {
  save_encoder_model(model_, folder, DType::kF32);
  SentenceModules modules;
  modules.pooling = Pooling::kMean;
  write_sentence_modules(modules, model_.encoder->config().dim, folder);
}

TrainBatch ContrastiveObjective::make_batch(Allocator& memory, uint64_t position,
                                            int64_t count) const {
  std::vector<const Pair*> pairs;
  for (uint64_t i = position; i < position + static_cast<uint64_t>(count); ++i)
    pairs.push_back(&train_[shuffled_index(i, train_.size(), run_.seed)]);
  return pack(memory, pairs);
}

TrainBatch ContrastiveObjective::pack(Allocator& memory, std::span<const Pair* const> pairs) const {
  std::vector<std::vector<int32_t>> texts;
  for (const Pair* pair : pairs) texts.push_back(pair->source);
  for (const Pair* pair : pairs) texts.push_back(pair->target);
  const int32_t filler = std::max(0, model_.tokenizer.tokenizer->end_id());
  TrainBatch batch = batch_of_rows(pack_rows(memory, texts, length_, filler));
  batch.targets = Tensor::empty(memory, Shape{static_cast<int64_t>(texts.size())}, DType::kI32);
  number_texts(texts, batch.targets.i32());
  batch.counted = static_cast<int64_t>(pairs.size());
  return batch;
}

Tensor ContrastiveObjective::hidden_states(Exec& exec, const TrainBatch& batch,
                                           bool checkpoint_activations) const {
  return model_.encoder->forward(
      exec, {batch.ids, batch.positions, batch.first_keys, batch.key_ends, checkpoint_activations});
}

TrainLoss ContrastiveObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  const Tensor hidden = hidden_states(exec, batch, run_.checkpoint_activations);
  return contrastive_loss(exec, hidden, batch.spans, batch.targets, temperature_, normalizer);
}

Evaluation ContrastiveObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t size = std::min(static_cast<int64_t>(heldout_.size()), most);
  double nats = 0;
  int64_t found = 0;
  for (int64_t begin = 0; begin < size; begin += count) {
    std::vector<const Pair*> pairs;
    for (int64_t i = begin; i < std::min(begin + count, size); ++i)
      pairs.push_back(&heldout_[static_cast<size_t>(i)]);
    const TrainBatch batch = pack(*exec.memory, pairs);
    nats += contrastive_loss(exec, hidden_states(exec, batch, false), batch.spans, batch.targets,
                             temperature_, 1.0, &found)
                .value;
  }
  const auto n = static_cast<double>(std::max<int64_t>(size, 1));
  return {{"heldout_loss", nats / n}, {"found_first", static_cast<double>(found) / n}};
}

}  // namespace onmal
