#include "ops/packed_weights.h"

#include <algorithm>

#include "kernels/select.h"

namespace onmal {
namespace {

using kernels::kInt8PanelOutputs;

int64_t panels_of(const Tensor& weight) {
  return (weight.dim(0) + kInt8PanelOutputs - 1) / kInt8PanelOutputs;
}

// [N, K] as it is; expert matrices [E, N, K] one below the other, where a panel belongs to one.
// Undefined: neither.
Tensor as_rows(const Tensor& weight) {
  if (weight.shape().rank() == 2) return weight;
  if (weight.shape().rank() != 3 || weight.dim(1) % kInt8PanelOutputs != 0) return {};
  return weight.reshaped(Shape{weight.dim(0) * weight.dim(1), weight.dim(2)});
}

bool before(const Tensor& a, const Tensor& b) {
  return a.data_as<std::byte>() < b.data_as<std::byte>();
}

}  // namespace

PackedWeights::PackedWeights(Exec& exec, Allocator& memory, std::span<const Tensor> weights,
                             FunctionRef<void(const Tensor&)> packed) {
  if (exec.backend->kernels == nullptr) return;
  kernels_ = &kernels::int8(*exec.backend->kernels);
  int64_t total = 0;
  for (const Tensor& given : weights) {
    if (!is_quantized(given.dtype())) continue;
    const Tensor weight = as_rows(given);
    if (!weight.defined()) continue;
    const int64_t bytes = kernels_->packed_panel_bytes(weight.dtype(), weight.dim(1));
    if (bytes == 0) continue;
    entries_.push_back({weight, bytes, nullptr});
    total += bytes * panels_of(weight);
  }
  if (entries_.empty()) return;
  storage_ = Tensor::empty(memory, Shape{(total + 3) / 4});
  auto* place = storage_.data_as<uint8_t>();
  for (Entry& entry : entries_) {
    uint8_t* panels = place;
    const Tensor& weight = entry.weight;
    const int64_t row_bytes = weight.bytes() / weight.dim(0);
    exec.pool->run(panels_of(weight), [&](int64_t panel, int) {
      const int64_t row = panel * kInt8PanelOutputs;
      kernels_->repack_panel(weight.dtype(), weight.data_as<std::byte>() + row * row_bytes,
                             row_bytes, std::min(kInt8PanelOutputs, weight.dim(0) - row),
                             weight.dim(1), panels + panel * entry.panel_bytes);
    });
    entry.panels = panels;
    packed(weight);
    place += entry.panel_bytes * panels_of(weight);
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return before(a.weight, b.weight); });
}

PackedWeights::Panels PackedWeights::find(const kernels::Int8Kernels& kernels,
                                          const Tensor& weight) const {
  if (&kernels != kernels_) return {};
  auto found =
      std::upper_bound(entries_.begin(), entries_.end(), weight,
                       [](const Tensor& a, const Entry& b) { return before(a, b.weight); });
  if (found == entries_.begin()) return {};
  const Entry& entry = *--found;
  if (entry.weight.dtype() != weight.dtype() || entry.weight.dim(1) != weight.dim(1)) return {};
  const int64_t row_bytes = entry.weight.bytes() / entry.weight.dim(0);
  const int64_t row = (weight.data_as<std::byte>() - entry.weight.data_as<std::byte>()) / row_bytes;
  const int64_t end = row + weight.dim(0);
  if (end > entry.weight.dim(0) || row % kInt8PanelOutputs != 0) return {};
  if (end % kInt8PanelOutputs != 0 && end != entry.weight.dim(0)) return {};
  return {entry.panels + row / kInt8PanelOutputs * entry.panel_bytes, entry.panel_bytes};
}

}  // namespace onmal
