#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "models/encoder_decoder_model.h"

namespace onmal {

struct BeamOptions {
  int64_t beams = 1;  // 1: always the likeliest token
  // Hypotheses are ranked by log-probability / length^penalty, the end token counted.
  double length_penalty = 1.0;
  int64_t max_tokens = 512;
};

struct BeamResult {
  std::vector<int32_t> ids;  // without the start and end tokens
  double score = 0;          // log-probability / length^penalty
  bool ended = false;        // by an end token, not by max_tokens
};

// Writes the output of an encoder–decoder for one source. Keys and values of the source are
// computed once, those of the outputs are kept; the beams run as one batch.
//
// The search: of all continuations of the live hypotheses the best (1 + end tokens) * beams are
// looked at; those among the first `beams` that end are finished, the next `beams` others live on.
// It ends when `beams` are finished and none of the step's continuations beats the worst of them at
// its present length, or at max_tokens, where the live ones count as finished.
//
// `source` must not be empty. Throws Error(kInvalidArgument) for options or ids out of range,
// Error(kResource) where the context does not suffice, Error(kCancelled) on a stop request.
BeamResult beam_search(Exec exec, const EncoderDecoder& network, std::span<const int32_t> source,
                       const BeamOptions& options, const std::stop_token& stop = {});

}  // namespace onmal
