#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "formats/gguf_parts.h"
#include "formats/safetensors.h"

// A folder whose files are the input: first a byte that says where it is cut in two (in 255ths);
// the pieces are both parts of a split GGUF, or an index of safetensors and its one shard. Whatever
// they hold, they are read, or are an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fs = std::filesystem;
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = text.size() * data[0] / 255;
  const fs::path folder =
      fs::temp_directory_path() / ("onmal_parts_fuzz_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  onmal::write_file(folder / "m-00001-of-00002.gguf", text.substr(0, cut));
  onmal::write_file(folder / "m-00002-of-00002.gguf", text.substr(cut));
  onmal::write_file(folder / "model.safetensors.index.json", text.substr(0, cut));
  onmal::write_file(folder / "s.safetensors", text.substr(cut));
  try {
    const onmal::GgufParts parts(folder / "m-00002-of-00002.gguf");
    for (const onmal::TensorEntry& entry : parts.entries()) {
      if (entry.dtype) parts.find(entry.name);
    }
  } catch (const onmal::Error&) {
  }
  try {
    const onmal::SafetensorsWeights weights(folder);
    weights.find("a");
  } catch (const onmal::Error&) {
  }
  fs::remove_all(folder);
  return 0;
}
