#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "knowledge/document.h"

// Any bytes are HTML, Markdown and mail, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.substr(0, 1024).find("%PDF-") != bytes.npos) return 0;
  for (const char* name : {"fuzz.html", "fuzz.md", "fuzz.eml", "fuzz.csv"}) {
    try {
      onmal::read_document_bytes(bytes, name);
    } catch (const onmal::Error&) {
    }
  }
  return 0;
}
