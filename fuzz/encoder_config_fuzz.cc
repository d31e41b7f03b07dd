#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/json_metadata.h"
#include "models/encoder_decoder_family.h"
#include "models/encoder_weights.h"

namespace {

template <typename Read>
void try_reading(Read&& read) {
  try {
    read();
  } catch (const onmal::Error&) {
  }
}

}  // namespace

// Any bytes are a config.json of some encoder or encoder-decoder, or an Error; so are they as the
// keys of a GGUF file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onmal::Metadata metadata;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    metadata = onmal::parse_json_metadata(text, "fuzz");
  } catch (const onmal::Error&) {
    return 0;
  }
  // No weights: what a configuration says must be understood or refused without them.
  const auto no_tensor = [](const std::string&) { return onmal::Tensor(); };
  const onmal::EncoderSource source{metadata, no_tensor};
  try_reading([&] {
    const onmal::EncoderFamily* family = onmal::find_encoder_family_hugging_face(metadata);
    if (family == nullptr) return;
    onmal::EncoderConfig config;
    family->read_hugging_face(source, config);
    config.validate("fuzz");
  });
  try_reading([&] {
    const onmal::EncoderDecoderFamily* family =
        onmal::find_encoder_decoder_family_hugging_face(metadata);
    if (family == nullptr) return;
    onmal::EncoderDecoderConfig config;
    family->read_hugging_face(source, config);
    config.validate("fuzz");
  });
  for (const char* name : {"bert", "nomic-bert", "jina-bert-v2", "t5encoder"}) {
    try_reading([&] {
      onmal::EncoderConfig config;
      config.architecture = name;
      onmal::find_encoder_family_gguf(name)->read_gguf(source, config);
      config.validate("fuzz");
    });
  }
  try_reading([&] {
    onmal::EncoderDecoderConfig config;
    config.encoder.architecture = config.decoder.architecture = "t5";
    onmal::find_encoder_decoder_family_gguf("t5")->read_gguf(source, config);
    config.validate("fuzz");
  });
  return 0;
}
