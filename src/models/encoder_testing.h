#pragma once

#include <cmath>
#include <string>

#include "base/rng.h"
#include "models/encoder_decoder.h"

// Small encoders with random weights; included by tests only.
namespace onmal::testing {

// "bert", "roberta", "nomic", "jina", "t5", "umt5".
inline EncoderConfig small_encoder(const std::string& name) {
  EncoderConfig config;
  config.architecture = name;
  config.vocab_size = 37;
  config.dim = 24;
  config.layers = 2;
  config.heads = 3;
  config.head_dim = 8;
  config.ffn_dim = 20;
  config.max_positions = 40;
  config.token_types = 2;
  config.norm_epsilon = 1e-6F;
  config.embedding_norm = true;
  config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = true;
  if (name == "roberta") config.position_offset = 2;
  if (name == "nomic") {
    config.positions = EncoderPositions::kRope;
    config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = false;
    config.gated_mlp = true;
    config.activation = Activation::kSilu;
  }
  if (name == "jina") {
    config.positions = EncoderPositions::kAlibi;
    config.up_bias = false;
    config.gated_mlp = true;
    config.query_key_norm = config.second_attention_norm = true;
  }
  if (name == "t5" || name == "umt5") {
    config.max_positions = 1000;
    config.positions = EncoderPositions::kRelativeBias;
    config.relative_buckets = 8;
    config.relative_distance = 10;
    config.relative_every_layer = name == "umt5";
    config.token_types = 0;
    config.embedding_norm = false;
    config.norm = NormKind::kRms;
    config.norm_first = config.final_norm = true;
    config.qkv_bias = config.output_bias = config.up_bias = config.down_bias = false;
    config.gated_mlp = name == "umt5";
    config.activation = name == "umt5" ? Activation::kGeluTanh : Activation::kRelu;
    config.head_dim = 5;
    config.attention_scale = 1.0F;
  }
  return config;
}

// "t5", "umt5" or "marian".
inline EncoderDecoderConfig small_pair(const std::string& name) {
  EncoderDecoderConfig config;
  config.encoder = small_encoder(name == "marian" ? "bert" : name);
  if (name == "marian") {
    config.encoder.positions = EncoderPositions::kSinusoidal;
    config.encoder.token_types = 0;
    config.encoder.embedding_norm = false;
    config.encoder.embedding_scale = 4.9F;
    config.encoder.activation = Activation::kSilu;
    config.head_bias = true;
    config.forbidden_ids = {36};
    config.start_id = 36;
  } else {
    config.tied_head = name == "t5";
    config.head_scale = name == "t5" ? 0.2F : 1.0F;
  }
  config.decoder = config.encoder;
  config.decoder.causal = config.decoder.cross_attention = true;
  config.decoder.layers = 3;
  config.end_ids = {1};
  return config;
}

// Random weights everywhere (norms and biases too), so that no gradient is zero by symmetry.
template <typename Model>
void randomize(Model& model, Allocator& memory, DType dtype, double deviation = 0.3) {
  Rng rng(11);
  model.visit([&](Param& param) {
    param.value = Tensor::empty(memory, param.shape, dtype);
    for (int64_t i = 0; i < param.value.elements(); ++i) {
      const double value = static_cast<double>(param.initial_value) + deviation * rng.normal();
      if (dtype == DType::kF64) {
        param.value.f64()[i] = value;
      } else {
        param.value.f32()[i] = static_cast<float>(value);
      }
    }
  });
  model.prepare(memory);
}

inline Tensor random_ids(Allocator& memory, int64_t batch, int64_t length, uint64_t seed) {
  Rng rng(seed);
  Tensor ids = Tensor::empty(memory, Shape{batch, length}, DType::kI32);
  for (int64_t i = 0; i < ids.elements(); ++i) ids.i32()[i] = static_cast<int32_t>(rng.below(37));
  return ids;
}

inline double value_of(const Tensor& tensor, int64_t i) {
  return tensor.dtype() == DType::kF64 ? tensor.f64()[i] : static_cast<double>(tensor.f32()[i]);
}

// Uneven weights of the outputs: the loss of the gradient checks is their weighted sum.
inline Tensor make_seed(const Tensor& output, Allocator& memory) {
  Tensor seed = Tensor::empty(memory, output.shape(), output.dtype());
  for (int64_t i = 0; i < seed.elements(); ++i) {
    const double weight =
        0.5 + 0.25 * static_cast<double>(i % 7) - 0.3 * static_cast<double>(i % 5);
    if (seed.dtype() == DType::kF64) {
      seed.f64()[i] = weight;
    } else {
      seed.f32()[i] = static_cast<float>(weight);
    }
  }
  return seed;
}

inline double weighted_sum(const Tensor& output, Allocator& memory) {
  const Tensor seed = make_seed(output, memory);
  double sum = 0;
  for (int64_t i = 0; i < output.elements(); ++i) sum += value_of(output, i) * value_of(seed, i);
  return sum;
}

// max |a - b| / max |b|
inline double relative_difference(const Tensor& a, const Tensor& b) {
  double largest = 1e-30;
  double difference = 0;
  for (int64_t i = 0; i < b.elements(); ++i) {
    largest = std::max(largest, std::abs(value_of(b, i)));
    difference = std::max(difference, std::abs(value_of(a, i) - value_of(b, i)));
  }
  return difference / largest;
}

}  // namespace onmal::testing
