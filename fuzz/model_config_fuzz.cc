#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "formats/json_metadata.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

// Any config.json is a model that can be written in both formats, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const onmal::DecoderConfig config =
        onmal::read_hugging_face_config(onmal::parse_json_metadata(text, "fuzz"));
    onmal::Metadata hugging_face("again");
    onmal::write_hugging_face_config(config, hugging_face);
    onmal::read_hugging_face_config(hugging_face);
    onmal::Metadata gguf("gguf");
    onmal::write_gguf_config(config, gguf);
    onmal::read_gguf_config(gguf, [](const std::string&) { return onmal::Tensor(); });
  } catch (const onmal::Error&) {
  }
  return 0;
}
