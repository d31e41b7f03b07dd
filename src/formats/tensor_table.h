#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "numeric/dtype.h"
#include "tensor/tensor.h"

namespace onmal {

// A tensor with its name in a file.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// A row of a file's table of contents: what it says of one tensor, before any number is read.
struct TensorEntry {
  std::string name;
  std::string type_name;       // the file's own name of the number format: "BF16", "Q4_K"
  std::optional<DType> dtype;  // empty: a format this program cannot compute with
  std::vector<int64_t> dims;   // outermost first
  uint64_t offset = 0;         // from the start of the file's data part
  uint64_t bytes = 0;          // 0 where the size of the format is unknown
};

// A file's table of contents over its data part. Tensors point into the file's memory (zero copy);
// only those not aligned for their number format are copied.
class TensorTable {
 public:
  TensorTable() = default;
  // Checks that every entry lies within `data`, that none overlaps another and that no name comes
  // twice, else throws Error(kBadFile). `data` must outlive the table and its tensors.
  TensorTable(std::vector<TensorEntry> entries, std::span<const std::byte> data, std::string where);

  // In the file's order.
  std::span<const TensorEntry> entries() const { return entries_; }
  const TensorEntry* find_entry(std::string_view name) const;

  // An undefined Tensor when the file has none of that name. Throws Error(kUnsupported) when its
  // number format or rank is not one of ours.
  Tensor find(std::string_view name) const;
  // Throws Error(kBadFile) when the file has none of that name.
  Tensor tensor(std::string_view name) const;

 private:
  void check_names();
  void check_overlap() const;
  Tensor view(const TensorEntry& entry, std::span<const std::byte> data);

  std::string where_;
  std::vector<TensorEntry> entries_;
  std::vector<Tensor> tensors_;  // undefined where not one of ours
  std::unordered_map<std::string_view, size_t> index_;
  std::vector<std::vector<uint64_t>> copies_;
};

// A Shape of at most Shape::kMaxRank dimensions (none counts as one of 1); empty when there are
// more.
std::optional<Shape> shape_from_dims(std::span<const int64_t> dims);

// The product of `dims`; empty when one is negative or the product (or that times `factor`)
// overflows.
std::optional<uint64_t> checked_elements(std::span<const int64_t> dims, uint64_t factor = 1);

}  // namespace onmal
