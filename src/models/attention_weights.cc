#include "models/attention_weights.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

struct KeyRange {
  int64_t begin;
  int64_t end;
};

KeyRange visible_keys(const Tensor& k, const AttentionParams& params, const Tensor& first_keys,
                      int64_t query) {
  const int64_t position = params.first_position + query;
  KeyRange range = {0, params.causal ? position + 1 : k.dim(1)};
  if (first_keys.defined()) range.begin = std::max<int64_t>(range.begin, first_keys.i32()[query]);
  if (params.window > 0) range.begin = std::max(range.begin, position - params.window + 1);
  if (params.key_ends.defined())
    range.end = std::min<int64_t>(range.end, params.key_ends.i32()[query]);
  return range;
}

// ln of a key's share, but for what all keys have in common.
double score_of(const float* q, const float* k, int64_t dim, const AttentionParams& params) {
  double dot = 0;
  for (int64_t i = 0; i < dim; ++i) dot += static_cast<double>(q[i]) * static_cast<double>(k[i]);
  const double score = dot * static_cast<double>(params.scale);
  const auto cap = static_cast<double>(params.softcap);
  return cap > 0 ? cap * std::tanh(score / cap) : score;
}

double bias_of(const AttentionParams& params, int64_t distance, int64_t head) {
  if (!params.bias.defined()) return 0;
  const int64_t rows = params.bias.dim(0);
  const int64_t row = std::clamp<int64_t>(distance + rows / 2, 0, rows - 1);
  return static_cast<double>(params.bias.f32()[row * params.bias.dim(1) + head]);
}

void softmax(std::vector<double>& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) {
    score = std::exp(score - largest);
    total += score;
  }
  for (double& score : scores) score /= total;
}

}  // namespace

AttentionMap attention_weights(const Tensor& q, const Tensor& k, const AttentionParams& params,
                               const Tensor& first_keys, const std::vector<int64_t>& heads) {
  if (q.dtype() != DType::kF32 || k.dtype() != DType::kF32)
    throw Error(ErrorCode::kUnsupported, "attention weights", "queries and keys are not f32");
  const int64_t dim = q.dim(3);
  const int64_t group = q.dim(2) / k.dim(2);  // query heads that share a key head
  AttentionMap map = {0, heads, q.dim(1), k.dim(1), {}};
  map.weights.resize(heads.size() * static_cast<size_t>(map.queries * map.keys));
  float* out = map.weights.data();
  std::vector<double> scores;
  for (const int64_t head : heads) {
    for (int64_t query = 0; query < map.queries; ++query, out += map.keys) {
      const KeyRange range = visible_keys(k, params, first_keys, query);
      if (range.begin >= range.end) continue;
      scores.clear();
      for (int64_t key = range.begin; key < range.end; ++key) {
        const float* q_row = q.f32() + (query * q.dim(2) + head) * dim;
        const float* k_row = k.f32() + (key * k.dim(2) + head / group) * dim;
        scores.push_back(score_of(q_row, k_row, dim, params) +
                         bias_of(params, key - params.first_position - query, head));
      }
      softmax(scores);
      for (size_t i = 0; i < scores.size(); ++i)
        out[range.begin + static_cast<int64_t>(i)] = static_cast<float>(scores[i]);
    }
  }
  return map;
}

void AttentionCollector::attended(const Tensor& q, const Tensor& k, const AttentionParams& params,
                                  const Tensor& first_keys) {
  const int64_t layer = calls_++;
  if (layer_ && *layer_ != layer) return;
  std::vector<int64_t> heads;
  for (int64_t head = 0; head < q.dim(2); ++head) {
    if (!head_ || *head_ == head) heads.push_back(head);
  }
  if (heads.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "attention",
                "layer " + std::to_string(layer) + " has " + std::to_string(q.dim(2)) +
                    " heads, counted from 0");
  }
  bytes_ += heads.size() * static_cast<uint64_t>(q.dim(1) * k.dim(1)) * sizeof(float);
  if (bytes_ > most_bytes_) {
    throw Error(ErrorCode::kResource, "attention",
                "the weights would take more than " + std::to_string(most_bytes_ >> 20) + " MB",
                "choose one layer or head, or a shorter text");
  }
  maps_.push_back(attention_weights(q, k, params, first_keys, heads));
  maps_.back().layer = layer;
}

}  // namespace onmal
