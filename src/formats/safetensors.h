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
  bool has(std::string_view name) const { return table_.find_entry(name) != nullptr; }

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
  void open_shards(const std::filesystem::path& folder, const Metadata& index);

  std::string where_;
  std::vector<SafetensorsFile> shards_;
};

// Writes atomically, tensor after tensor (no second copy in memory), wide number formats first so
// that all are aligned. Metadata values must be
// strings. Throws Error(kUnsupported) for number formats that safetensors has no name for (q8_0).
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const Metadata& metadata = {});

// Writes a folder's model.safetensors; or, where the tensors take more than `most_bytes` (0: no
// bound), shards of at most that (more only where a single tensor is larger),
// model-00001-of-0000N.safetensors …, and behind them model.safetensors.index.json. What an earlier
// model of the other kind left is removed.
void write_safetensors_folder(const std::filesystem::path& folder,
                              std::span<const NamedTensor> tensors, const Metadata& metadata,
                              uint64_t most_bytes);

}  // namespace onmal
