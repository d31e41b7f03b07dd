#pragma once

#include "models/encoder_model.h"
#include "nn/linear_layer.h"
#include "nn/norm_layer.h"
#include "ops/cross_entropy.h"

namespace onmal {

// What BERT puts above its encoder to name masked tokens (Devlin et al., 2019): a linear map, the
// activation, a norm, and the token table with a bias.
class MaskedHead {
 public:
  explicit MaskedHead(const EncoderConfig& config);

  // Hidden states [N, dim] -> logits [N, vocab_size]; `table` is the encoder's token table.
  Tensor logits(Exec& exec, const Tensor& hidden, const Tensor& table) const;
  // Mean cross-entropy of the targets i32 [N]; see linear_cross_entropy.
  CrossEntropyResult loss(Exec& exec, const Tensor& hidden, const Tensor& table,
                          const Tensor& targets, double normalizer = 0) const;
  void visit(ParamVisitor visitor);

 private:
  Tensor transform(Exec& exec, const Tensor& hidden) const;

  Activation activation_;
  LinearLayer dense_;
  NormLayer norm_;
  Param bias_;
};

// An encoder that names masked tokens. Move-only.
struct MaskedLanguageModel {
  EncoderModel base;
  std::unique_ptr<MaskedHead> head;
};

// Loads a Hugging Face folder of BERT's or RoBERTa's kind, f32. A folder without such a head gets a
// fresh one from `rng`. Throws Error as load_encoder_model does, and Error(kUnsupported) for what
// is no encoder.
MaskedLanguageModel load_masked_language_model(const std::filesystem::path& path, Rng& rng);
void save_masked_language_model(MaskedLanguageModel& model, const std::filesystem::path& folder,
                                DType matrices);

}  // namespace onmal
