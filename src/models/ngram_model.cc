#include "models/ngram_model.h"

#include <algorithm>
#include <cmath>

#include "base/byte_reader.h"
#include "base/file.h"
#include "base/hash.h"

namespace onmal {
namespace {

constexpr std::string_view kMagic = "ONMALNG1";
constexpr uint64_t kMostFileBytes = uint64_t{256} << 20;
constexpr size_t kMostWeights = size_t{1} << 27;
constexpr size_t kMostOutputs = 65536;
constexpr const char* kHint = "make it again with 'onmal train' and [ngrams]";

void put_varint(std::string& out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

uint32_t get_varint(ByteFront& in) {
  uint32_t value = 0;
  for (int shift = 0; shift < 32; shift += 7) {
    const auto byte = in.get<uint8_t>();
    value |= static_cast<uint32_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  in.refuse("a number that is too long");
}

float finite(ByteFront& in) {
  const auto value = in.get<float>();
  if (!std::isfinite(value)) in.refuse("a number that is none");
  return value;
}

}  // namespace

NgramModel::NgramModel(const NgramConfig& config, std::span<const float> weights,
                       std::span<const float> biases)
    : config_(config), biases_(biases.begin(), biases.end()), weights_(weights.size()) {
  constexpr double kMostDeviations = 24;  // beyond which a weight is cut
  const size_t n = biases_.size();
  for (size_t k = 0; k < n; ++k) {
    double squares = 0, largest = 1e-12;
    size_t used = 0;
    for (size_t at = k; at < weights.size(); at += n) {
      const auto w = std::abs(static_cast<double>(weights[at]));
      squares += w * w;
      largest = std::max(largest, w);
      used += w > 0;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(std::max<size_t>(used, 1)));
    const double most = std::min(largest, kMostDeviations * std::max(deviation, 1e-12));
    const auto scale = static_cast<float>(most / 127.0);
    scales_.push_back(scale);
    for (size_t at = k; at < weights.size(); at += n)
      weights_[at] =
          static_cast<int8_t>(std::clamp(std::round(weights[at] / scale), -127.0F, 127.0F));
  }
}

std::vector<double> NgramModel::logits(std::string_view text) const {
  const size_t n = outputs();
  const std::vector<uint32_t> buckets = ngram_buckets(text, config_);
  std::vector<int64_t> sums(n);
  for (const uint32_t bucket : buckets)
    for (size_t k = 0; k < n; ++k) sums[k] += weights_[bucket * n + k];
  const double norm = 1 / std::sqrt(static_cast<double>(std::max<size_t>(buckets.size(), 1)));
  std::vector<double> result(n);
  for (size_t k = 0; k < n; ++k)
    result[k] = static_cast<double>(biases_[k]) +
                norm * static_cast<double>(scales_[k]) * static_cast<double>(sums[k]);
  return result;
}

void NgramModel::write(std::string& out) const {
  const NgramConfig& c = config_;
  for (const int32_t value :
       {c.characters, c.jamo_least, c.jamo, c.words, c.stems, c.lookalikes, c.bucket_bits})
    put_bytes(out, value);
  const size_t n = outputs();
  put_bytes(out, static_cast<uint32_t>(n));
  for (size_t k = 0; k < n; ++k) {
    put_bytes(out, scales_[k]);
    put_bytes(out, biases_[k]);
  }
  // Each row with a weight: how many rows were passed over, and its weights.
  std::string rows;
  uint32_t count = 0, next = 0;
  for (uint32_t bucket = 0; bucket < weights_.size() / n; ++bucket) {
    const auto row = weights_.begin() + static_cast<std::ptrdiff_t>(bucket * n);
    const auto end = row + static_cast<std::ptrdiff_t>(n);
    if (std::all_of(row, end, [](int8_t w) { return w == 0; })) continue;
    put_varint(rows, bucket - next);
    rows.append(reinterpret_cast<const char*>(&*row), n);
    next = bucket + 1;
    ++count;
  }
  put_bytes(out, count);
  out += rows;
}

NgramModel NgramModel::read(ByteFront& in) {
  NgramModel made;
  NgramConfig& c = made.config_;
  for (int32_t* value :
       {&c.characters, &c.jamo_least, &c.jamo, &c.words, &c.stems, &c.lookalikes, &c.bucket_bits})
    *value = in.get<int32_t>();
  try {
    c.validate("");
  } catch (const Error&) {
    in.refuse("its n-grams make no sense");
  }
  const size_t n = in.get<uint32_t>();
  const size_t buckets = size_t{1} << c.bucket_bits;
  if (n == 0 || n > kMostOutputs || buckets * n > kMostWeights) in.refuse("too many weights");
  for (size_t k = 0; k < n; ++k) {
    made.scales_.push_back(finite(in));
    made.biases_.push_back(finite(in));
  }
  const auto count = in.get<uint32_t>();
  if (count > buckets || count > in.left() / (n + 1)) in.refuse("fewer weights than it says");
  made.weights_.resize(buckets * n);
  uint64_t bucket = 0;
  for (uint32_t row = 0; row < count; ++row, ++bucket) {
    bucket += get_varint(in);
    if (bucket >= buckets) in.refuse("a weight beyond the last bucket");
    std::memcpy(made.weights_.data() + bucket * n, in.take(n).data(), n);
  }
  return made;
}

std::vector<float> NgramPart::mix(std::span<const float> head, std::string_view text) const {
  const std::vector<double> ngrams = model.logits(text);
  std::vector<float> mixed(head.size());
  const bool pair = rules.size() == 1 && head.size() == 2;
  for (size_t k = 0; k < rules.size(); ++k) {
    const MixingRule& rule = rules[k];
    const float said = pair ? head[1] - head[0] : head[k];
    mixed[pair ? 1 : k] =
        rule.head * said + rule.ngrams * static_cast<float>(ngrams[k]) + rule.bias;
  }
  return mixed;
}

std::vector<bool> NgramPart::said(std::span<const float> probabilities) const {
  std::vector<bool> result(probabilities.size());
  const auto excess = [&](size_t k) { return probabilities[k] - rules[k].threshold; };
  size_t likeliest = 0;
  for (size_t k = 0; k < result.size(); ++k) {
    result[k] = excess(k) >= 0;
    if (probabilities[k] > probabilities[likeliest]) likeliest = k;
  }
  if (at_least_one && std::none_of(result.begin(), result.end(), [](bool b) { return b; }))
    result[likeliest] = true;
  if (exclusive < 0 || !result[static_cast<size_t>(exclusive)]) return result;
  const auto alone = static_cast<size_t>(exclusive);
  for (size_t k = 0; k < result.size(); ++k)
    if (result[k] && excess(k) > excess(alone)) result[alone] = false;
  if (result[alone])
    for (size_t k = 0; k < result.size(); ++k) result[k] = k == alone;
  return result;
}

std::string NgramPart::bytes() const {
  std::string out(kMagic);
  put_bytes(out, static_cast<uint32_t>(rules.size()));
  put_bytes(out, static_cast<uint32_t>(at_least_one ? 1 : 0));
  put_bytes(out, exclusive);
  for (const MixingRule& rule : rules)
    for (const float value : {rule.head, rule.ngrams, rule.bias, rule.threshold})
      put_bytes(out, value);
  model.write(out);
  put_bytes(out, fnv1a(out));
  return out;
}

NgramPart NgramPart::parse(std::string_view bytes, const std::string& where, size_t outputs) {
  const size_t body = bytes.size() - std::min(bytes.size(), sizeof(uint64_t));
  ByteFront in(bytes.substr(0, body), where, kHint);
  if (in.take(std::min(kMagic.size(), body)) != kMagic)
    in.refuse("holds no n-grams of a classifier");
  ByteFront sum(bytes.substr(body), where, kHint);
  if (sum.get<uint64_t>() != fnv1a(bytes.substr(0, body))) in.refuse("is damaged");
  NgramPart part;
  const size_t count = in.get<uint32_t>();
  part.at_least_one = in.get<uint32_t>() != 0;
  part.exclusive = in.get<int32_t>();
  if (part.exclusive >= static_cast<int64_t>(count)) in.refuse("a label that is none");
  if (count != outputs) in.refuse("does not fit the labels of the model beside it");
  for (size_t k = 0; k < count; ++k) {
    MixingRule rule;
    for (float* value : {&rule.head, &rule.ngrams, &rule.bias, &rule.threshold})
      *value = finite(in);
    part.rules.push_back(rule);
  }
  part.model = NgramModel::read(in);
  if (part.model.outputs() != count || in.left() > 0) in.refuse("has other sizes than it says");
  return part;
}

NgramPart load_ngram_part(const std::filesystem::path& path, size_t outputs) {
  return NgramPart::parse(read_file(path, kMostFileBytes), path.string(), outputs);
}

}  // namespace onmal
