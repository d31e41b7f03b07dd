#include "knowledge/document.h"  // names the floor that is linked
#include "read_any_document.h"

// Any bytes are a DOCX or HWPX document, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_any_document(data, size, "fuzz.docx");
  return 0;
}
