#pragma once

#include <string>

#include "models/encoder_model.h"
#include "models/language_model.h"

namespace onmal {

// A sample of a base model's weights, as text: some 256 values of its token table and of its first
// and last layers, at places that depend on the shapes alone. An adapter carries it, so that a base
// of the same shape but with other weights is told from the one it was trained on; the same weights
// in another number format give nearly the same sample.
std::string sample_base(LanguageModel& model);
std::string sample_base(EncoderModel& model);

// Throws Error(kInvalidArgument) naming `where` when the model's own sample differs clearly: a
// cosine below 0.9 in any of its parts. Samples that do not read as one are Error(kBadFile).
void check_base(LanguageModel& model, const std::string& sample, const std::string& where);
void check_base(EncoderModel& model, const std::string& sample, const std::string& where);

}  // namespace onmal
