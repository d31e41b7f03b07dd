#pragma once

#include <string_view>

#include "models/encoder_decoder_model.h"
#include "models/encoder_model.h"
#include "models/language_model.h"
#include "models/masked_head.h"
#include "train/recipe.h"

namespace onmal {

// What [model] architecture names: "bert" and "roberta" are encoders, "t5" and "marian"
// encoder-decoders, all else decoders.
ModelKind fresh_model_kind(std::string_view architecture);

// The model that a run starts from: freshly initialised by [model], or loaded in f32 from
// model.from with weights of its own; with an adapter, loaded as stored with a fresh one attached.
// Each throws Error(kInvalidArgument) where the recipe speaks
// of another kind of model, and Error(kResource) where training it does not fit into memory.
LanguageModel start_language_model(const Recipe& recipe);
EncoderModel start_encoder(const Recipe& recipe);
MaskedLanguageModel start_masked_model(const Recipe& recipe);
EncoderDecoderModel start_encoder_decoder(const Recipe& recipe);
// The base model with a fresh head; a model that has such a head with the same labels keeps it.
Classifier start_classifier(const Recipe& recipe, const std::vector<std::string>& labels);

// An encoder whose head labels each token; `tokenizer` and `labels` are a fresh model's. With
// model.from, that model: it must have been one already.
Classifier start_edit_tagger(const Recipe& recipe, std::shared_ptr<const Tokenizer> tokenizer,
                             const std::vector<std::string>& labels);

// A label that a text model may stand for itself: "[MASK]", "<mask>" or "<|mask|>". Throws
// Error(kInvalidArgument) when the vocabulary has none.
int32_t find_mask_id(const Tokenizer& tokenizer);

}  // namespace onmal
