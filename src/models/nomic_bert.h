#pragma once

#include "models/encoder_weights.h"

namespace onmal {

// nomic-embed-text v1 and v1.5: BERT with rotary positions and a gated MLP (Nussbaum et al., 2024).
extern const EncoderFamily kNomicBertFamily;

}  // namespace onmal
