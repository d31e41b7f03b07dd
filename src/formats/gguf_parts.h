#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace onmal {

// A GGUF model in one file or split over several, as llama.cpp's gguf-split names and marks them:
// NAME-00001-of-00003.gguf …, each with split.no, split.count and split.tensors.count. Any part may
// be named; all are opened from the same folder. Read like a GgufFile.
class GgufParts {
 public:
  // Throws Error naming the part that is missing, belongs elsewhere or is malformed.
  explicit GgufParts(const std::filesystem::path& path);

  // Of the first part, without the keys about the split.
  const Metadata& metadata() const { return metadata_; }
  // Of all parts, in their order.
  std::span<const TensorEntry> entries() const { return entries_; }
  Tensor find(std::string_view name) const;
  Tensor tensor(std::string_view name) const;
  uint32_t version() const { return files_.front().version(); }
  void forget(std::string_view name) const;
  size_t parts() const { return files_.size(); }
  // The first part, or the one file.
  const std::filesystem::path& path() const { return path_; }
  // Bytes of all parts.
  uint64_t bytes() const { return bytes_; }

 private:
  void open_parts(const std::filesystem::path& path);
  void check(size_t part, int64_t tensors) const;

  std::filesystem::path path_;
  std::vector<GgufFile> files_;
  Metadata metadata_;
  std::vector<TensorEntry> entries_;
  uint64_t bytes_ = 0;
};

// The name of a part; "model" and 1 of 3 give "model-00001-of-00003.gguf".
std::string gguf_part_name(const std::string& stem, size_t part, size_t parts);

// The one model that a folder's .gguf files make: a single file, or the first part of a single
// split. Throws Error(kBadFile) when there is none or more than one.
std::filesystem::path find_gguf(const std::filesystem::path& folder);

// Writes a model in parts of at most `most_bytes` each (more only where a single tensor is larger);
// 0, or a model that fits: in the one file `path`, else NAME-00001-of-0000N.gguf beside it. The
// first part appears last, so that a model which has one is whole. Returns the files written.
std::vector<std::filesystem::path> write_gguf_parts(const std::filesystem::path& path,
                                                    const Metadata& metadata,
                                                    std::span<const NamedTensor> tensors,
                                                    uint64_t most_bytes);

}  // namespace onmal
