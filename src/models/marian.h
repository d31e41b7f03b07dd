#pragma once

#include "models/encoder_decoder_family.h"

namespace onmal {

// Marian's translation models as Hugging Face keeps them (Junczys-Dowmunt et al., 2018).
extern const EncoderDecoderFamily kMarianFamily;

}  // namespace onmal
