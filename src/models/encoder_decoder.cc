#include "models/encoder_decoder.h"

#include <utility>

#include "base/error.h"
#include "models/initialize_params.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/scale.h"

namespace onmal {
namespace {

Param table(const std::string& name, const EncoderConfig& config) {
  Param param;
  param.name = name;
  param.shape = Shape{config.vocab_size, config.dim};
  param.kind = ParamKind::kEmbedding;
  return param;
}

}  // namespace

void EncoderDecoderConfig::validate(const std::string& where) const {
  encoder.validate(where + ", encoder");
  decoder.validate(where + ", decoder");
  const auto require = [&](bool condition, const std::string& what) {
    if (!condition)
      throw Error(ErrorCode::kInvalidArgument, where, what, "check the model's configuration");
  };
  require(encoder.dim == decoder.dim, "encoder and decoder must have the same dim");
  require(!shared_embedding || encoder.vocab_size == decoder.vocab_size,
          "a shared token table needs equal vocabularies");
  require(decoder.causal && decoder.cross_attention, "the decoder must be causal and see a source");
  require(start_id >= 0 && start_id < decoder.vocab_size,
          "decoder_start_token_id " + std::to_string(start_id) + " is outside the vocabulary");
  for (const int32_t id : end_ids)
    require(id >= 0 && id < decoder.vocab_size, "an end token is outside the vocabulary");
  require(beams >= 1 && beams <= 1024, "num_beams must be 1 to 1024");
}

EncoderDecoder::EncoderDecoder(EncoderDecoderConfig config)
    : config_(std::move(config)),
      encoder_(config_.encoder, "encoder."),
      decoder_(config_.decoder, "decoder.") {
  config_.validate("model");
  embedding_ = table("embedding.weight", config_.encoder);
  // A head that scales hidden states down was made for entries of variance one (T5).
  if (config_.head_scale != 1.0F) embedding_.initial_deviation = 1.0F;
  if (!config_.shared_embedding)
    decoder_embedding_ = table("decoder_embedding.weight", config_.decoder);
  if (!config_.tied_head) head_ = table("head.weight", config_.decoder);
  if (config_.head_bias) {
    head_bias_.name = "head.bias";
    head_bias_.shape = Shape{config_.decoder.vocab_size};
    head_bias_.kind = ParamKind::kVector;
  }
}

Tensor EncoderDecoder::encode(Exec& exec, const EncoderInput& input) const {
  StackInput stack;
  stack.embedded = embedding(exec, embedding_.value, input.ids);
  stack.positions = input.positions;
  stack.first_keys = input.first_keys;
  stack.key_ends = input.key_ends;
  stack.checkpoint_activations = input.checkpoint_activations;
  return encoder_.forward(exec, stack);
}

Tensor EncoderDecoder::decode(Exec& exec, const DecodeInput& input) const {
  StackInput stack;
  stack.embedded = embedding(exec, decoder_table().value, input.ids);
  stack.positions = input.positions;
  stack.first_keys = input.first_keys;
  stack.source = input.source;
  stack.source_firsts = input.source_firsts;
  stack.source_ends = input.source_ends;
  stack.cache = input.cache;
  stack.checkpoint_activations = input.checkpoint_activations;
  return decoder_.forward(exec, stack);
}

Tensor EncoderDecoder::decode(Exec& exec, const Tensor& ids, const Tensor& source,
                              const Tensor& source_ends, DecodingCache* cache,
                              bool checkpoint_activations) const {
  DecodeInput input;
  input.ids = ids;
  input.source = source;
  input.source_ends = source_ends;
  input.cache = cache;
  input.checkpoint_activations = checkpoint_activations;
  return decode(exec, input);
}

Tensor EncoderDecoder::logits(Exec& exec, const Tensor& hidden) const {
  const Param& head = config_.tied_head ? decoder_table() : head_;
  const Tensor scaled =
      config_.head_scale == 1.0F ? hidden : scale(exec, hidden, config_.head_scale);
  return linear(exec, scaled, head.value, head_bias_.value);
}

CrossEntropyResult EncoderDecoder::loss(Exec& exec, const Tensor& hidden, const Tensor& targets,
                                        double normalizer) const {
  const Param& head = config_.tied_head ? decoder_table() : head_;
  const Tensor scaled =
      config_.head_scale == 1.0F ? hidden : scale(exec, hidden, config_.head_scale);
  CrossEntropyParams params;
  params.bias = head_bias_.value;
  return linear_cross_entropy(exec, scaled.reshaped(Shape{scaled.shape().rows(), scaled.dim(-1)}),
                              head.value, targets.reshaped(Shape{targets.elements()}), params,
                              normalizer);
}

DecodingCache EncoderDecoder::make_cache(Allocator& memory, int64_t batch, int64_t capacity) const {
  const EncoderConfig& half = config_.decoder;
  return {memory, half.layers, batch, capacity, half.heads, half.head_dim};
}

void EncoderDecoder::visit(ParamVisitor visitor) {
  visitor(embedding_);
  if (!config_.shared_embedding) visitor(decoder_embedding_);
  encoder_.visit(visitor);
  decoder_.visit(visitor);
  if (!config_.tied_head) visitor(head_);
  if (config_.head_bias) visitor(head_bias_);
}

void EncoderDecoder::visit_linears(LinearVisitor visitor) {
  encoder_.visit_linears(visitor);
  decoder_.visit_linears(visitor);
}

void EncoderDecoder::initialize(Allocator& memory, Rng& rng) {
  visit([&](Param& param) { initialize_param(param, memory, rng); });
}

void EncoderDecoder::set_trained(bool trained) {
  uint32_t next = 1;
  visit([&](Param& param) {
    param.value.set_tag(trained ? next : 0);
    ++next;
  });
}

void EncoderDecoder::prepare(Allocator& memory) {
  encoder_.prepare(memory);
  decoder_.prepare(memory);
}

}  // namespace onmal
