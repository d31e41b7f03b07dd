#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/gguf_tokenizer.h"
#include "touch_tensors.h"

// Any bytes are a GGUF file or an Error: opened, every tensor read, the tokenizer built.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const onmal::GgufFile file(std::as_bytes(std::span(data, size)), "fuzz");
    onmal::touch_tensors(file);
    const onmal::GgufTokenizer read = onmal::read_gguf_tokenizer(file.metadata());
    if (read.tokenizer != nullptr) read.tokenizer->encode("온말 a1\n", {true, true});
  } catch (const onmal::Error&) {
  }
  return 0;
}
