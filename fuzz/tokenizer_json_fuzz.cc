#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tokenizer/tokenizer_json.h"

// A tokenizer.json either loads, and then takes any text there and back, or is an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto tokenizer =
        onmal::parse_tokenizer_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    constexpr std::string_view kText = "온말 speaks\n한국어 123 <|im_end|>\xFF";
    if (tokenizer->decode(tokenizer->encode(kText)) != kText) __builtin_trap();
  } catch (const onmal::Error&) {
  }
  return 0;
}
