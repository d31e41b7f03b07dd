#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/json_metadata.h"

// Any bytes are a configuration or an Error; what was read and can be written comes back the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string written;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    written = onmal::write_json_metadata(onmal::parse_json_metadata(text, "fuzz"));
  } catch (const onmal::Error&) {
    return 0;
  }
  // An Error from here on is a finding.
  const onmal::Metadata again = onmal::parse_json_metadata(written, "written");
  ONMAL_ASSERT(onmal::write_json_metadata(again) == written);
  return 0;
}
