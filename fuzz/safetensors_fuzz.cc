#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "formats/safetensors.h"
#include "touch_tensors.h"

// Any bytes are a safetensors file or an Error: opened, every tensor read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const onmal::SafetensorsFile file(std::as_bytes(std::span(data, size)), "fuzz");
    onmal::touch_tensors(file);
  } catch (const onmal::Error&) {
  }
  return 0;
}
