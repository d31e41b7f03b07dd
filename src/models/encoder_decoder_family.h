#pragma once

#include <string>
#include <string_view>

#include "models/encoder_decoder.h"
#include "models/encoder_weights.h"

namespace onmal {

// A family of encoder–decoders as files know it; see EncoderFamily.
struct EncoderDecoderFamily {
  std::string_view gguf_name;  // "": no such files
  bool (*is_hugging_face)(const Metadata& metadata) = nullptr;
  std::span<const EncoderRule> gguf_rules;
  std::span<const EncoderRule> hugging_face_rules;
  void (*read_gguf)(const EncoderSource& source, EncoderDecoderConfig& config) = nullptr;
  void (*read_hugging_face)(const EncoderSource& source, EncoderDecoderConfig& config) = nullptr;
  // config.json; null where such a model cannot be written.
  void (*write_hugging_face)(const EncoderDecoderConfig& config, Metadata& metadata) = nullptr;
  // Whether a name of a rule is that of this model (T5 names a gated network otherwise); null: all.
  bool (*writes)(const EncoderDecoderConfig& config, std::string_view theirs) = nullptr;
  // See EncoderFamily::write_gguf.
  void (*write_gguf)(const EncoderDecoderConfig& config, Metadata& metadata) = nullptr;
};

// By EncoderConfig::architecture of one of its halves: "t5", "mt5", "umt5", "marian". Throws
// Error(kUnsupported), naming `where`.
const EncoderDecoderFamily* find_encoder_decoder_family(std::string_view architecture,
                                                        const std::string& where);

// Null when the file is of no family of encoder–decoders.
const EncoderDecoderFamily* find_encoder_decoder_family_gguf(std::string_view architecture);
const EncoderDecoderFamily* find_encoder_decoder_family_hugging_face(const Metadata& config);

}  // namespace onmal
