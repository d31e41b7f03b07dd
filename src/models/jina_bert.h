#pragma once

#include "models/encoder_weights.h"

namespace onmal {

// Jina's embeddings v2: BERT with ALiBi instead of positions and a gated MLP (Günther et al.,
// 2023).
extern const EncoderFamily kJinaBertFamily;

}  // namespace onmal
