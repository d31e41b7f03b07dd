#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/metadata.h"
#include "formats/tensor_table.h"

namespace onmal {

// A mapped .safetensors file. Move-only; its tensors live as long as it does. Anything malformed
// throws Error(kBadFile) on opening.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  // From memory that outlives the object; `where` names it in errors.
  SafetensorsFile(std::span<const std::byte> bytes, const std::string& where);

  // What stands under "__metadata__".
  const Metadata& metadata() const { return metadata_; }
  std::span<const TensorEntry> entries() const { return table_.entries(); }
  Tensor find(std::string_view name) const { return table_.find(name); }
  Tensor tensor(std::string_view name) const { return table_.tensor(name); }

 private:
  void parse(std::span<const std::byte> bytes, const std::string& where);

  MappedFile file_;
  Metadata metadata_;
  TensorTable table_;
};

// One .safetensors file, or a folder's model.safetensors, or its shards as listed in
// model.safetensors.index.json.
class SafetensorsWeights {
 public:
  SafetensorsWeights() = default;
  explicit SafetensorsWeights(const std::filesystem::path& path);

  // True when `folder` holds weights that the constructor would find.
  static bool exists_in(const std::filesystem::path& folder);

  std::span<const SafetensorsFile> shards() const { return shards_; }
  // As in TensorTable.
  Tensor find(std::string_view name) const;
  Tensor tensor(std::string_view name) const;

 private:
  std::string where_;
  std::vector<SafetensorsFile> shards_;
};

// Writes atomically, tensor after tensor (no second copy in memory), wide number formats first so
// that all are aligned. Metadata values must be
// strings. Throws Error(kUnsupported) for number formats that safetensors has no name for (q8_0).
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const Metadata& metadata = {});

}  // namespace onmal
