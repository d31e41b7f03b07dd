#pragma once

#include "models/encoder_weights.h"

namespace onmal {

// BERT (Devlin et al., 2019), RoBERTa and XLM-RoBERTa (GGUF calls them all "bert").
extern const EncoderFamily kBertFamily;

// What bert, nomic-bert and jina-bert-v2 have in common in GGUF files: sizes, pooling, and which
// biases there are.
void read_bert_gguf_base(const EncoderSource& source, EncoderConfig& config);
void write_bert_gguf_base(const EncoderConfig& config, Metadata& metadata);
// The activation under "<architecture>.hidden_activation", where a file has that key; else the tanh
// form of gelu, which llama.cpp takes. Writing throws Error(kUnsupported) for anything but a gelu.
Activation read_gguf_activation(const Metadata& metadata, const EncoderConfig& config);
void write_gguf_activation(const EncoderConfig& config, Metadata& metadata);
// The names of their weights.
extern const std::span<const EncoderRule> kBertGgufRules;

}  // namespace onmal
