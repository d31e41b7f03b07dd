#pragma once

#include "formats/tensor_table.h"
#include "models/architecture.h"

namespace onmal {

// The configuration of a GGUF file: what the family has in common, the keys that all families
// share, the family's own, and what only the presence of tensors says (biases, a head of its own,
// layers with experts, rope factors). `find` gives a tensor by its name, undefined when there is
// none. Throws Error(kUnsupported) for what would change the arithmetic and is not known.
DecoderConfig read_gguf_config(const Metadata& metadata, FindTensor find);

// The keys, "general.architecture" included.
void write_gguf_config(const DecoderConfig& config, Metadata& metadata);
// Tensors that are configuration: rope factors.
std::vector<NamedTensor> gguf_config_tensors(const DecoderConfig& config, Allocator& memory);

// The key of this family: "llama.attention.head_count".
std::string gguf_key(const DecoderConfig& config, std::string_view name);
// Layers 0 … n - 2 of every n (n = 0: all) are local.
std::vector<bool> periodic_layers(int64_t layers, int64_t period);

}  // namespace onmal
