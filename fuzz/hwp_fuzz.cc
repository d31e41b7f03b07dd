#include "knowledge/document.h"  // names the floor that is linked
#include "read_any_document.h"

// Any bytes are an HWP 5 document, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_any_document(data, size, "fuzz.hwp");
  return 0;
}
