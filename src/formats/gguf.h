#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/metadata.h"
#include "formats/tensor_table.h"

namespace onmal {

// A mapped GGUF file (version 2 or 3, little endian). Move-only; its tensors live as long as it
// does. Anything malformed throws Error(kBadFile) on opening; a tensor in a number format that is
// not ours throws only when asked for. Shapes are turned round to our outermost-first order.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);
  // From memory that outlives the object; `where` names it in errors.
  GgufFile(std::span<const std::byte> bytes, const std::string& where);

  // Floats of any width are double, integers of any width int64_t. Arrays of arrays are refused on
  // opening with Error(kUnsupported), as llama.cpp does.
  const Metadata& metadata() const { return metadata_; }
  std::span<const TensorEntry> entries() const { return table_.entries(); }
  Tensor find(std::string_view name) const { return table_.find(name); }
  Tensor tensor(std::string_view name) const { return table_.tensor(name); }
  uint32_t version() const { return version_; }
  // A tensor that has been read may leave memory; reading it again maps it again.
  void forget(std::string_view name) const;

 private:
  void parse(std::span<const std::byte> bytes, const std::string& where);

  MappedFile file_;
  Metadata metadata_;
  TensorTable table_;
  uint32_t version_ = 0;
};

// What a tensor will be, before its numbers are there.
struct TensorPlan {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;
};

// Writes GGUF version 3, atomically, a tensor at a time: only the one being written is in memory.
// Integers become u32 where they fit (as llama.cpp wants them), else i32, i64 or u64; arrays of
// integers i32 or i64; floats f32. Without commit() nothing is left behind.
class GgufWriter {
 public:
  // Throws Error(kInvalidArgument) for a number format, a name or a key that GGUF cannot hold.
  GgufWriter(const std::filesystem::path& path, const Metadata& metadata,
             std::vector<TensorPlan> plans);
  ~GgufWriter();
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;

  // The tensors in the order of the plans, each as planned.
  void add(const Tensor& tensor);
  void commit();

 private:
  class Stream;
  std::unique_ptr<Stream> stream_;
  std::vector<TensorPlan> plans_;
  size_t added_ = 0;
};

// Writes a whole file of tensors that are all there; see GgufWriter.
void write_gguf(const std::filesystem::path& path, const Metadata& metadata,
                std::span<const NamedTensor> tensors);

}  // namespace onmal
