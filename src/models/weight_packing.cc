#include "models/weight_packing.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/file.h"
#include "kernels/select.h"

namespace onmal {
namespace {

// The weights of linear maps; a table that is only looked up stays as it is.
std::vector<Tensor> linear_weights(Decoder& decoder) {
  std::vector<Tensor> weights;
  decoder.visit([&](const Param& param) {
    const bool is_table = param.name == "embedding.weight" && !decoder.config().tied_head;
    if (param.kind != ParamKind::kVector && !is_table) weights.push_back(param.value);
  });
  return weights;
}

// Those matrices that stay in the file and that every token reads; of experts few are.
void map_in(const std::vector<Tensor>& weights, ThreadPool& pool) {
  constexpr int64_t kPiece = int64_t{16} << 20;
  std::vector<std::span<const std::byte>> pieces;
  for (const Tensor& weight : weights) {
    if (weight.owned() || weight.shape().rank() != 2) continue;
    for (int64_t at = 0; at < weight.bytes(); at += kPiece) {
      const int64_t bytes = std::min(kPiece, weight.bytes() - at);
      pieces.emplace_back(weight.data_as<std::byte>() + at, static_cast<size_t>(bytes));
    }
  }
  pool.run(static_cast<int64_t>(pieces.size()), [&](int64_t i, int) {
    const std::span<const std::byte> piece = pieces[static_cast<size_t>(i)];
    map_in_pages(piece.data(), piece.size());
  });
}

}  // namespace

std::shared_ptr<const PackedWeights> WeightPacking::get(Decoder& decoder, bool is_mapped,
                                                        const Backend& backend, ThreadPool& pool,
                                                        PackedFor sequences) {
  const kernels::Int8Kernels* kernels = &kernels::int8(*backend.kernels);
  std::vector<Tensor> weights = linear_weights(decoder);
  std::vector<Tensor> stored = weights;  // and left so
  const auto whole_bytes = std::ranges::partition(
      weights, [](const Tensor& weight) { return weight.dtype() != DType::kQ8_0; });
  // A model without whole bytes has one packing for both.
  const bool packs_them = sequences == PackedFor::kMany && !whole_bytes.empty();
  if (!packs_them) weights.erase(whole_bytes.begin(), weights.end());
  std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.kernels == kernels && entry.whole_bytes == packs_them) return entry.weights;
  }
  Exec exec{&pool, &memory_, &backend};
  const auto drop = [&](const Tensor& weight) {
    std::erase_if(stored, [&](const Tensor& other) { return other.data() == weight.data(); });
    if (!is_mapped || weight.owned()) return;
    drop_mapped_pages(weight.data(), static_cast<size_t>(weight.bytes()));
  };
  entries_.push_back(
      {kernels, packs_them, std::make_shared<const PackedWeights>(exec, memory_, weights, drop)});
  if (is_mapped) map_in(stored, pool);
  return entries_.back().weights;
}

}  // namespace onmal
