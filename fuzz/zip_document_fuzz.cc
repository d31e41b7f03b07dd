#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "knowledge/document.h"

// Any bytes are a DOCX or HWPX document, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    onmal::ReadLimits limits;
    limits.text_bytes = uint64_t{8} << 20;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.substr(0, 1024).find("%PDF-") == bytes.npos)
      onmal::read_document_bytes(bytes, "fuzz.docx", limits);
  } catch (const onmal::Error&) {
  }
  return 0;
}
