#include "models/encoder.h"

#include <algorithm>
#include <utility>

#include "models/initialize_params.h"
#include "ops/embedding.h"

namespace onmal {

Encoder::Encoder(EncoderConfig config) : stack_(std::move(config), "") {
  embedding_.name = "embedding.weight";
  embedding_.shape = Shape{stack_.config().vocab_size, stack_.config().dim};
  embedding_.kind = ParamKind::kEmbedding;
}

Tensor Encoder::forward(Exec& exec, const EncoderInput& input) const {
  StackInput stack;
  stack.embedded = embedding(exec, embedding_.value, input.ids);
  stack.positions = input.positions;
  stack.first_keys = input.first_keys;
  stack.key_ends = input.key_ends;
  stack.types = input.types;
  stack.checkpoint_activations = input.checkpoint_activations;
  return stack_.forward(exec, stack);
}

void Encoder::visit(ParamVisitor visitor) {
  visitor(embedding_);
  stack_.visit(visitor);
}

void Encoder::initialize(Allocator& memory, Rng& rng) {
  visit([&](Param& param) { initialize_param(param, memory, rng); });
}

void Encoder::set_trained(bool trained) {
  uint32_t next = 1;
  visit([&](Param& param) {
    param.value.set_tag(trained ? next : 0);
    ++next;
  });
}

EncoderInput pack_texts(Allocator& memory, std::span<const std::vector<int32_t>> texts) {
  int64_t total = 0;
  for (const std::vector<int32_t>& text : texts) total += static_cast<int64_t>(text.size());
  EncoderInput input;
  for (Tensor* tensor : {&input.ids, &input.positions, &input.first_keys, &input.key_ends})
    *tensor = Tensor::empty(memory, Shape{1, total}, DType::kI32);
  int32_t start = 0;
  for (const std::vector<int32_t>& text : texts) {
    const auto length = static_cast<int32_t>(text.size());
    for (int32_t t = 0; t < length; ++t) {
      input.ids.i32()[start + t] = text[static_cast<size_t>(t)];
      input.positions.i32()[start + t] = t;
      input.first_keys.i32()[start + t] = start;
      input.key_ends.i32()[start + t] = start + length;
    }
    start += length;
  }
  return input;
}

Tensor make_key_ends(Allocator& memory, std::span<const int64_t> lengths, int64_t rows) {
  const auto batch = static_cast<int64_t>(lengths.size());
  const Tensor ends = Tensor::empty(memory, Shape{batch, rows}, DType::kI32);
  for (int64_t i = 0; i < batch * rows; ++i)
    ends.i32()[i] = static_cast<int32_t>(lengths[static_cast<size_t>(i / rows)]);
  return ends;
}

}  // namespace onmal
