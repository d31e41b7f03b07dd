#pragma once

#include "models/architecture.h"

namespace onmal {

// The part of config.json that speaks of the language model: "text_config" of models that also see,
// else all of it.
Metadata language_part(const Metadata& metadata);

// The configuration that config.json describes: what the family has in common, the keys that all
// families share under the family's names, the family's own. Throws Error(kUnsupported) for what
// would change the arithmetic and is not known (a rope scaling, an activation, a kind of layer).
DecoderConfig read_hugging_face_config(const Metadata& metadata);
void write_hugging_face_config(const DecoderConfig& config, Metadata& metadata);

// For the families' own reading and writing:

// "attention_bias" speaks of query, key, value and output alike.
void read_attention_bias(const Metadata& metadata, DecoderConfig& config, bool fallback = false);
// A sliding window in the layers that `is_local` names, unless "layer_types" does; none without
// "sliding_window" (or when `in_use` is false).
void read_window(const Metadata& metadata, DecoderConfig& config, bool in_use,
                 bool (*is_local)(int64_t layer, int64_t period), int64_t period);
void write_window(const DecoderConfig& config, Metadata& metadata);
inline bool always_local(int64_t, int64_t) { return true; }
inline bool local_but_last_of_period(int64_t layer, int64_t period) {
  return period <= 0 || (layer + 1) % period != 0;
}
float read_single(const Metadata& metadata, std::string_view key, double fallback);
[[noreturn]] void refuse_key(const Metadata& metadata, std::string_view key,
                             const std::string& what);

}  // namespace onmal
