#include "autograd/grad_store.h"

#include <algorithm>

namespace onmal {
namespace {

template <typename T>
void add_into(Exec& exec, T* target, const T* source, int64_t count) {
  constexpr int64_t kGrain = 1 << 15;
  exec.pool->for_blocks(0, count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) target[i] += source[i];
  });
}

}  // namespace

void GradStore::make_writable(Exec& exec, Tensor& gradient) {
  if (gradient.unique()) return;
  Tensor copy = Tensor::empty(*exec.memory, gradient.shape(), gradient.dtype());
  std::copy_n(gradient.data_as<std::byte>(), gradient.bytes(), copy.data_as<std::byte>());
  gradient = std::move(copy);
}

GradStore::Slot GradStore::slot(Exec& exec, const Tensor& value) {
  ONMAL_ASSERT(value.tag() != 0);
  const auto found = gradients_.find(value.tag());
  if (found != gradients_.end()) {
    make_writable(exec, found->second);
    return {found->second.reshaped(value.shape()), true};
  }
  const DType dtype = value.dtype() == DType::kF64 ? DType::kF64 : DType::kF32;
  Tensor gradient = Tensor::empty(*exec.memory, value.shape(), dtype);
  gradients_.emplace(value.tag(), gradient);
  return {gradient, false};
}

void GradStore::add(Exec& exec, const Tensor& value, const Tensor& gradient) {
  ONMAL_ASSERT(value.tag() != 0 && gradient.elements() == value.elements());
  const auto [found, first] = gradients_.try_emplace(value.tag(), gradient);
  if (first) {
    found->second.set_tag(0);
    return;
  }
  make_writable(exec, found->second);
  if (gradient.dtype() == DType::kF64) {
    add_into(exec, found->second.f64(), gradient.f64(), gradient.elements());
  } else {
    add_into(exec, found->second.f32(), gradient.f32(), gradient.elements());
  }
}

Tensor GradStore::find(uint32_t tag) const {
  const auto found = gradients_.find(tag);
  return found == gradients_.end() ? Tensor() : found->second;
}

Tensor GradStore::take(uint32_t tag) {
  const auto found = gradients_.find(tag);
  if (found == gradients_.end()) return {};
  Tensor gradient = std::move(found->second);
  gradients_.erase(found);
  return gradient;
}

}  // namespace onmal
