#include "models/encoder_config.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "models/config_checks.h"

namespace onmal {
namespace {

constexpr int64_t kMaxEncoderDim = int64_t{1} << 20;
constexpr int64_t kMaxEncoderVocabulary = int64_t{1} << 24;
constexpr int64_t kMaxEncoderPositions = int64_t{1} << 26;
constexpr double kAlibiExponent = 8.0;

void require_range(int64_t value, int64_t lowest, int64_t limit, const std::string& where,
                   const std::string& name) {
  require(value >= lowest && value <= limit, where,
          name + " is " + std::to_string(value) + ", must be " + std::to_string(lowest) + " to " +
              std::to_string(limit));
}

}  // namespace

std::string pooling_name(Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return "mean";
    case Pooling::kCls:
      return "cls";
    case Pooling::kLast:
      return "last";
    case Pooling::kNone:
      break;
  }
  return "none";
}

void EncoderConfig::validate(const std::string& where) const {
  require_range(vocab_size, 1, kMaxEncoderVocabulary, where, "vocab_size");
  require_range(dim, 1, kMaxEncoderDim, where, "dim");
  // Without layers an encoder is its table: a bag of tokens.
  const bool table_alone = positions == EncoderPositions::kLearned && !cross_attention;
  require_range(layers, table_alone ? 0 : 1, 4096, where, "layers");
  require_range(heads, 1, 65536, where, "heads");
  require_range(head_dim, 1, 65536, where, "head_dim");
  require_range(ffn_dim, 1, kMaxEncoderDim, where, "ffn_dim");
  require_range(max_positions, 1, kMaxEncoderPositions, where, "max_positions");
  require_range(token_types, 0, kMaxEncoderVocabulary, where, "token_types");
  require_range(position_offset, 0, kMaxEncoderPositions, where, "position_offset");
  require_range(relative_buckets, 4, 65536, where, "relative_buckets");
  require_range(relative_distance, relative_buckets / (causal ? 2 : 4) + 1, 1 << 20, where,
                "relative_distance");
  require(heads * head_dim <= kMaxEncoderDim * 4, where, "heads * head_dim is too large");
  require(positions != EncoderPositions::kRope || head_dim % 2 == 0, where,
          "rotary positions need an even head_dim");
  require(positions != EncoderPositions::kSinusoidal || dim % 2 == 0, where,
          "sinusoidal positions need an even dim");
  require(norm_epsilon > 0.0F && norm_epsilon < 1.0F, where,
          "norm_epsilon must lie between 0 and 1");
  require(rope_theta > 0.0 && std::isfinite(rope_theta), where, "rope_theta must be positive");
}

Activation activation_from_name(const std::string& name, const std::string& where) {
  constexpr std::pair<std::string_view, Activation> kNames[] = {
      {"gelu", Activation::kGeluErf},        {"gelu_new", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},  {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"gelu_python", Activation::kGeluErf}, {"relu", Activation::kRelu},
      {"silu", Activation::kSilu},           {"swish", Activation::kSilu},
  };
  for (const auto& [known, activation] : kNames) {
    if (name == known) return activation;
  }
  throw Error(ErrorCode::kUnsupported, where, "unknown activation '" + name + "'",
              "known ones: gelu, gelu_new, relu, silu");
}

int32_t token_id(int64_t number, const std::string& where) {
  if (number < 0 || number > kMaxEncoderVocabulary) {
    throw Error(ErrorCode::kBadFile, where, std::to_string(number) + " is no token id",
                "check the model's configuration");
  }
  return static_cast<int32_t>(number);
}

int32_t relative_bucket(int64_t distance, bool causal, int64_t buckets, int64_t max_distance) {
  int64_t first = 0;
  int64_t far = -distance;  // how far back the key lies
  if (causal) {
    far = std::max<int64_t>(far, 0);
  } else {
    buckets /= 2;
    if (distance > 0) first = buckets;
    far = std::abs(distance);
  }
  const int64_t exact = buckets / 2;  // distances below it have a bucket each
  if (far < exact) return static_cast<int32_t>(first + far);
  const auto start = static_cast<float>(exact);
  const auto span =
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const float share = std::log(static_cast<float>(far) / start) / span;
  const auto step = static_cast<int64_t>(share * static_cast<float>(buckets - exact));
  return static_cast<int32_t>(first + std::min(exact + step, buckets - 1));
}

double alibi_slope(int64_t index, int64_t heads) {
  const auto even = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  if (index < even)
    return std::exp2(-kAlibiExponent * static_cast<double>(index + 1) / static_cast<double>(even));
  // Heads beyond a power of two take every second slope of twice as many.
  const int64_t odd = 2 * (index - even) + 1;
  return std::exp2(-kAlibiExponent * static_cast<double>(odd) / static_cast<double>(2 * even));
}

}  // namespace onmal
