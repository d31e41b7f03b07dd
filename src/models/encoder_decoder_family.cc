#include "models/encoder_decoder_family.h"

#include <array>

#include "base/error.h"
#include "models/marian.h"
#include "models/t5.h"

namespace onmal {
namespace {

// The registry: one line a family.
constexpr std::array kFamilies = {&kT5Family, &kMarianFamily};

}  // namespace

const EncoderDecoderFamily* find_encoder_decoder_family(std::string_view architecture,
                                                        const std::string& where) {
  if (architecture == "marian") return &kMarianFamily;
  if (architecture == "t5" || architecture == "mt5" || architecture == "umt5") return &kT5Family;
  throw Error(ErrorCode::kUnsupported, where,
              "'" + std::string(architecture) + "' is no encoder-decoder",
              "known ones: t5, marian");
}

const EncoderDecoderFamily* find_encoder_decoder_family_gguf(std::string_view architecture) {
  for (const EncoderDecoderFamily* family : kFamilies) {
    if (!family->gguf_name.empty() && family->gguf_name == architecture) return family;
  }
  return nullptr;
}

const EncoderDecoderFamily* find_encoder_decoder_family_hugging_face(const Metadata& config) {
  for (const EncoderDecoderFamily* family : kFamilies) {
    if (family->is_hugging_face(config)) return family;
  }
  return nullptr;
}

}  // namespace onmal
