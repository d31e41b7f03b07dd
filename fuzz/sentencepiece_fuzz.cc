#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tokenizer/sentencepiece_file.h"

// Any bytes are a tokenizer.model, which then takes any text, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto tokenizer =
        onmal::parse_sentencepiece({reinterpret_cast<const char*>(data), size}, "fuzz");
    tokenizer->decode(tokenizer->encode("온말 speaks\n한국어  123 <s>\xFF①", {true, true}));
  } catch (const onmal::Error&) {
  }
  return 0;
}
