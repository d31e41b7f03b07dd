#pragma once

#include "models/encoder_decoder_family.h"

namespace onmal {

// T5 (Raffel et al., 2020), its version 1.1 (Flan-T5), mT5 and umT5.
extern const EncoderDecoderFamily kT5Family;
// The encoder half alone (sentence-t5, T5EncoderModel; GGUF "t5encoder").
extern const EncoderFamily kT5EncoderFamily;

}  // namespace onmal
