#include "models/text_encoder.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "models/encoder_model.h"
#include "models/text_rows.h"

namespace onmal {
namespace {

constexpr int64_t kPackedTokens = 2048;  // of texts packed into one forward pass

// "mean", "cls" or "last" where a decoder's GGUF file says so; none where it does not.
Pooling decoder_pooling(const ModelFile& file) {
  if (file.gguf == nullptr) return Pooling::kNone;
  switch (file.metadata().get_int(file.architecture() + ".pooling_type", 0)) {
    case 1:
      return Pooling::kMean;
    case 2:
      return Pooling::kCls;
    case 3:
      return Pooling::kLast;
    default:
      return Pooling::kNone;
  }
}

std::vector<float> run_dense(const DenseModule& dense, const std::vector<float>& x) {
  const int64_t in = dense.weight.dim(1);
  std::vector<float> y(static_cast<size_t>(dense.weight.dim(0)));
  for (size_t row = 0; row < y.size(); ++row) {
    const float* weights = dense.weight.f32() + static_cast<int64_t>(row) * in;
    double sum = dense.bias.defined() ? static_cast<double>(dense.bias.f32()[row]) : 0.0;
    for (size_t i = 0; i < x.size(); ++i)
      sum += static_cast<double>(weights[i]) * static_cast<double>(x[i]);
    y[row] = static_cast<float>(dense.tanh ? std::tanh(sum) : sum);
  }
  return y;
}

std::vector<float> pool_rows(const Tensor& hidden, int64_t begin, int64_t end, Pooling pooling) {
  const int64_t dim = hidden.dim(-1);
  const auto row = [&](int64_t index) { return hidden.f32() + index * dim; };
  if (pooling == Pooling::kCls) return {row(begin), row(begin) + dim};
  if (pooling == Pooling::kLast) return {row(end - 1), row(end - 1) + dim};
  std::vector<double> sums(static_cast<size_t>(dim), 0.0);
  for (int64_t t = begin; t < end; ++t) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(row(t)[i]);
  }
  std::vector<float> mean(sums.size());
  std::transform(sums.begin(), sums.end(), mean.begin(), [&](double sum) {
    return static_cast<float>(sum / static_cast<double>(end - begin));
  });
  return mean;
}

void normalize_length(std::vector<float>& values) {
  double squares = 0;
  for (const float value : values)
    squares += static_cast<double>(value) * static_cast<double>(value);
  if (squares == 0.0) return;
  const double factor = 1.0 / std::sqrt(squares);
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * factor);
}

}  // namespace

TextEncoder::TextEncoder(const std::filesystem::path& path, std::optional<DType> matrices)
    : where_(path.string()) {
  const ModelFile file = open_model_file(path);
  SentenceModules modules;
  if (std::filesystem::is_directory(path)) modules = read_sentence_modules(path, *memory_);
  switch (file.kind()) {
    case ModelKind::kEncoder:
      encoder_ = load_encoder(file, *memory_, matrices);
      backing_ = file.backing();
      tokenizer_ = load_model_tokenizer(file);
      pooling_ = encoder_->config().pooling;
      if (pooling_ == Pooling::kNone) pooling_ = Pooling::kMean;
      max_tokens_ = encoder_->config().max_positions;
      break;
    case ModelKind::kDecoder:
      decoder_ = std::make_unique<LanguageModel>(load_language_model(file.path, {matrices}));
      tokenizer_ = {decoder_->tokenizer, decoder_->tokenizer_problem};
      pooling_ = decoder_pooling(file);
      max_tokens_ = decoder_->decoder->config().max_positions;
      break;
    case ModelKind::kEncoderDecoder:
      throw Error(
          ErrorCode::kUnsupported, where_,
          "'" + file.architecture() + "' is an encoder-decoder, which gives no text vectors",
          "use an encoder; 'onmal generate' runs this model");
  }
  if (modules.pooling) pooling_ = *modules.pooling;
  if (modules.max_tokens) max_tokens_ = std::min(max_tokens_, *modules.max_tokens);
  dense_ = std::move(modules.dense);
  int64_t width = encoder_ != nullptr ? encoder_->config().dim : decoder_->decoder->config().dim;
  for (const DenseModule& dense : dense_) {
    if (dense.weight.dim(1) != width) {
      throw Error(ErrorCode::kBadFile, where_,
                  "a Dense module takes " + std::to_string(dense.weight.dim(1)) +
                      " values and gets " + std::to_string(width));
    }
    width = dense.weight.dim(0);
  }
}

int64_t TextEncoder::dimensions() const {
  if (!dense_.empty()) return dense_.back().weight.dim(0);
  return encoder_ != nullptr ? encoder_->config().dim : decoder_->decoder->config().dim;
}

Tensor TextEncoder::hidden_states(Exec& exec, const std::vector<int32_t>& ids) const {
  const auto count = static_cast<int64_t>(ids.size());
  Tensor tokens = Tensor::empty(*exec.memory, Shape{1, count}, DType::kI32);
  std::copy(ids.begin(), ids.end(), tokens.i32());
  if (encoder_ != nullptr) {
    const Tensor hidden = encoder_->forward(exec, {tokens, {}, {}, {}});
    return hidden.reshaped(Shape{count, hidden.dim(2)});
  }
  const Tensor hidden = decoder_->decoder->forward(exec, {tokens, {}, nullptr});
  return hidden.reshaped(Shape{count, hidden.dim(2)});
}

// The ids that go in. A cut text keeps the special tokens at its end.
std::vector<int32_t> TextEncoder::fit(const std::vector<int32_t>& ids, bool truncate,
                                      size_t index) const {
  const auto limit = static_cast<size_t>(max_tokens_);
  if (ids.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "text " + std::to_string(index + 1),
                "is empty: it has no tokens");
  }
  if (ids.size() <= limit) return ids;
  if (!truncate) {
    throw Error(ErrorCode::kResource, "text " + std::to_string(index + 1),
                std::to_string(ids.size()) + " tokens exceed the model's " + std::to_string(limit),
                "shorten it, or cut it on purpose (--truncate)");
  }
  return fit_text(ids, max_tokens_, tokenizer_.tokenizer.get());
}

std::vector<float> TextEncoder::finish(const Tensor& hidden, int64_t begin, int64_t end,
                                       Pooling pooling, bool normalize) const {
  std::vector<float> values = pool_rows(hidden, begin, end, pooling);
  for (const DenseModule& dense : dense_) values = run_dense(dense, values);
  if (normalize) normalize_length(values);
  return values;
}

std::vector<TextVector> TextEncoder::embed(ThreadPool& pool,
                                           std::span<const std::vector<int32_t>> texts,
                                           const EmbedOptions& options,
                                           const std::stop_token& stop) const {
  const Pooling pooling = options.pooling.value_or(pooling_);
  if (pooling == Pooling::kNone) {
    throw Error(ErrorCode::kInvalidArgument, where_,
                "the file does not say how its hidden states become one vector",
                "give --pooling mean, cls or last");
  }
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  std::vector<TextVector> results(texts.size());
  for (size_t next = 0; next < texts.size();) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "embed", "stopped");
    std::vector<std::vector<int32_t>> group;
    const size_t first = next;
    int64_t tokens = 0;
    while (next < texts.size() && (group.empty() || encoder_ != nullptr)) {
      std::vector<int32_t> ids = fit(texts[next], options.truncate, next);
      const auto count = static_cast<int64_t>(ids.size());
      if (!group.empty() && tokens + count > kPackedTokens) break;
      results[next].tokens = count;
      results[next].dropped = static_cast<int64_t>(texts[next].size()) - count;
      tokens += count;
      group.push_back(std::move(ids));
      ++next;
    }
    const Tensor hidden = encoder_ != nullptr ? encoder_->forward(exec, pack_texts(memory, group))
                                              : hidden_states(exec, group[0]);
    int64_t begin = 0;
    for (size_t i = first; i < next; ++i) {
      const int64_t end = begin + results[i].tokens;
      results[i].values = finish(hidden, begin, end, pooling, options.normalize);
      begin = end;
    }
  }
  return results;
}

}  // namespace onmal
