#include "models/weight_packing.h"

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

}  // namespace

std::shared_ptr<const PackedWeights> WeightPacking::get(Decoder& decoder, bool is_mapped,
                                                        const Backend& backend, ThreadPool& pool) {
  const kernels::Int8Kernels* kernels = &kernels::int8(*backend.kernels);
  std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.kernels == kernels) return entry.weights;
  }
  Exec exec{&pool, &memory_, &backend};
  const auto drop = [is_mapped](const Tensor& weight) {
    if (!is_mapped || weight.owned()) return;
    drop_mapped_pages(weight.data(), static_cast<size_t>(weight.bytes()));
  };
  entries_.push_back({kernels, std::make_shared<const PackedWeights>(
                                   exec, memory_, linear_weights(decoder), drop)});
  return entries_.back().weights;
}

}  // namespace onmal
