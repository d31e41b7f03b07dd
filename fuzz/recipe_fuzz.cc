#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "train/recipe.h"

// A recipe is either read or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    onmal::parse_recipe(std::string(reinterpret_cast<const char*>(data), size), "fuzz.toml");
  } catch (const onmal::Error&) {
  }
  return 0;
}
