#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/tokenizer_json.h"

// A tokenizer.json either loads, and then takes any text, or is an Error; byte-level BPE with all
// bytes and no normaliser gives the text back.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto tokenizer =
        onmal::parse_any_tokenizer_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    constexpr std::string_view kText = "온말 speaks\n한국어 123 <|im_end|>\xFF";
    const std::vector<int32_t> ids = tokenizer->encode(kText);
    tokenizer->encode(kText, {true, true});
    const std::string decoded = tokenizer->decode(ids);
    const auto* bpe = dynamic_cast<const onmal::BpeTokenizer*>(tokenizer.get());
    if (bpe != nullptr && bpe->definition().hugging_face_json.empty() &&
        !bpe->definition().partial_alphabet &&
        bpe->definition().special_ids.size() == bpe->definition().rules.added.size() &&
        decoded != kText)
      __builtin_trap();
  } catch (const onmal::Error&) {
  }
  return 0;
}
