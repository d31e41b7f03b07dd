#include "formats/tensor_table.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"

namespace onmal {
namespace {

// What the processor wants of a pointer to such numbers.
size_t alignment_of(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return 8;
    case DType::kF32:
    case DType::kI32:
      return 4;
    default:
      return 2;
  }
}

}  // namespace

std::optional<Shape> shape_from_dims(std::span<const int64_t> dims) {
  switch (dims.size()) {
    case 0:
      return Shape{1};
    case 1:
      return Shape{dims[0]};
    case 2:
      return Shape{dims[0], dims[1]};
    case 3:
      return Shape{dims[0], dims[1], dims[2]};
    case 4:
      return Shape{dims[0], dims[1], dims[2], dims[3]};
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> checked_elements(std::span<const int64_t> dims, uint64_t factor) {
  constexpr uint64_t kLimit = uint64_t{1} << 62;
  uint64_t product = factor;
  bool has_zero = factor == 0;
  for (const int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      has_zero = true;
      continue;
    }
    if (product > kLimit / static_cast<uint64_t>(dim)) return std::nullopt;
    product *= static_cast<uint64_t>(dim);
  }
  return has_zero ? 0 : product;
}

TensorTable::TensorTable(std::vector<TensorEntry> entries, std::span<const std::byte> data,
                         std::string where)
    : where_(std::move(where)), entries_(std::move(entries)) {
  for (const TensorEntry& entry : entries_) {
    if (entry.offset > data.size() || entry.bytes > data.size() - entry.offset) {
      throw Error(ErrorCode::kBadFile, where_,
                  "tensor '" + entry.name + "' wants bytes " + std::to_string(entry.offset) +
                      " to " + std::to_string(entry.offset) + "+" + std::to_string(entry.bytes) +
                      " of a data part of " + std::to_string(data.size()),
                  "the file is cut off or damaged: fetch it again");
    }
  }
  check_names();
  check_overlap();
  tensors_.reserve(entries_.size());
  for (const TensorEntry& entry : entries_) tensors_.push_back(view(entry, data));
}

void TensorTable::check_names() {
  index_.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!index_.emplace(entries_[i].name, i).second) {
      throw Error(ErrorCode::kBadFile, where_, "has the tensor '" + entries_[i].name + "' twice");
    }
  }
}

void TensorTable::check_overlap() const {
  std::vector<size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return entries_[a].offset < entries_[b].offset; });
  uint64_t end = 0;
  size_t last = 0;
  for (const size_t i : order) {
    const TensorEntry& entry = entries_[i];
    if (entry.bytes == 0) continue;
    if (entry.offset < end) {
      throw Error(ErrorCode::kBadFile, where_,
                  "tensors '" + entries_[last].name + "' and '" + entry.name + "' overlap");
    }
    end = entry.offset + entry.bytes;
    last = i;
  }
}

Tensor TensorTable::view(const TensorEntry& entry, std::span<const std::byte> data) {
  const std::optional<Shape> shape = shape_from_dims(entry.dims);
  if (!shape || !entry.dtype) return {};
  // The mapping is read-only; Tensor has no const form.
  auto* start = const_cast<std::byte*>(data.data() + entry.offset);
  const bool aligned = reinterpret_cast<uintptr_t>(start) % alignment_of(*entry.dtype) == 0;
  if (aligned || entry.bytes == 0) {
    return Tensor::borrowed(start, *shape, *entry.dtype);
  }
  std::vector<uint64_t>& copy = copies_.emplace_back((entry.bytes + 7) / 8);
  std::memcpy(copy.data(), start, entry.bytes);
  return Tensor::borrowed(copy.data(), *shape, *entry.dtype);
}

const TensorEntry* TensorTable::find_entry(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

Tensor TensorTable::find(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) return {};
  const TensorEntry& entry = entries_[found->second];
  if (!entry.dtype) {
    throw Error(ErrorCode::kUnsupported, where_,
                "tensor '" + entry.name + "' is stored as " + entry.type_name,
                "convert the file to f16, q8_0 or a k-quant such as q4_k_m");
  }
  if (!shape_from_dims(entry.dims)) {
    throw Error(ErrorCode::kUnsupported, where_,
                "tensor '" + entry.name + "' has " + std::to_string(entry.dims.size()) +
                    " dimensions, more than " + std::to_string(Shape::kMaxRank));
  }
  return tensors_[found->second];
}

Tensor TensorTable::tensor(std::string_view name) const {
  const Tensor found = find(name);
  if (!found.defined()) {
    throw Error(ErrorCode::kBadFile, where_, "has no tensor '" + std::string(name) + "'");
  }
  return found;
}

}  // namespace onmal
