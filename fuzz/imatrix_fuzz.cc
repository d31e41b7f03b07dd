// Importance matrices in both formats.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "quantize/importance.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const onmal::ImportanceMatrix matrix =
        onmal::parse_importance({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    for (const auto& [name, entry] : matrix.entries) {
      if (entry.means().size() != entry.squares.size()) __builtin_trap();
    }
  } catch (const onmal::Error&) {
  }
  return 0;
}
