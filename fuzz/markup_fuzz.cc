#include "knowledge/document.h"  // names the floor that is linked
#include "read_any_document.h"

// Any bytes are HTML, Markdown, mail and CSV, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const char* name : {"fuzz.html", "fuzz.md", "fuzz.eml", "fuzz.csv"})
    read_any_document(data, size, name);
  return 0;
}
