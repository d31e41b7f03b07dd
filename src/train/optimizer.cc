#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "ops/backend.h"
#include "ops/cpu/gemm.h"

namespace onmal {
namespace {

constexpr int64_t kBlock = int64_t{1}
                           << 16;  // values a task; sums of squares are added up block by block

double sum_of_squares(Exec& exec, const Tensor& tensor) {
  const int64_t count = tensor.elements();
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  const Tensor partial = Tensor::empty(*exec.memory, Shape{blocks}, DType::kF64);
  exec.pool->run(blocks, [&](int64_t block, int) {
    const int64_t begin = block * kBlock;
    partial.f64()[block] = exec.backend->kernels->optimizer->sum_of_squares(
        tensor.f32() + begin, std::min(kBlock, count - begin));
  });
  double total = 0;
  for (int64_t block = 0; block < blocks; ++block) total += partial.f64()[block];
  return total;
}

// c [m, n] = a [m, k] · b, where b is [n, k] transposed or [k, n].
void multiply(Exec& exec, const Tensor& a, const Tensor& b, bool b_transposed, const Tensor& c) {
  cpu::gemm(exec, c.dim(0), c.dim(1), a.dim(1), {a.data(), DType::kF32, a.dim(1), true},
            {b.data(), DType::kF32, b.dim(1), b_transposed}, nullptr, c.f32(), c.dim(1), false);
}

Tensor transposed(Exec& exec, const Tensor& x) {
  Tensor result = Tensor::empty(*exec.memory, Shape{x.dim(1), x.dim(0)});
  exec.pool->for_blocks(0, x.dim(0), 32, [&](int64_t begin, int64_t end) {
    for (int64_t c = 0; c < x.dim(1); ++c) {
      for (int64_t r = begin; r < end; ++r)
        result.f32()[c * x.dim(0) + r] = x.f32()[r * x.dim(1) + c];
    }
  });
  return result;
}

// x = a * x + y
void scale_and_add(Exec& exec, const Tensor& x, float a, const Tensor& y) {
  exec.pool->for_blocks(0, x.elements(), kBlock, [&](int64_t begin, int64_t end) {
    exec.backend->kernels->elementwise->scale(a, x.f32() + begin, x.f32() + begin, end - begin);
    exec.backend->kernels->elementwise->add(x.f32() + begin, y.f32() + begin, x.f32() + begin,
                                            end - begin);
  });
}

}  // namespace

void orthogonalize(Exec& exec, const Tensor& x) {
  constexpr float kA = 3.4445F;
  constexpr float kB = -4.7750F;
  constexpr float kC = 2.0315F;
  constexpr int kSteps = 5;
  const bool tall = x.dim(0) > x.dim(1);
  Tensor work = tall ? transposed(exec, x) : x;
  const auto inverse = static_cast<float>(1.0 / (std::sqrt(sum_of_squares(exec, work)) + 1e-7));
  exec.backend->scale(exec, work, inverse, work);
  const int64_t side = work.dim(0);
  const Tensor gram = Tensor::empty(*exec.memory, Shape{side, side});
  const Tensor square = Tensor::empty(*exec.memory, gram.shape());
  const Tensor product = Tensor::empty(*exec.memory, work.shape());
  for (int step = 0; step < kSteps; ++step) {
    // x <- a x + (b G + c G²) x with G = x x^T
    multiply(exec, work, work, true, gram);
    multiply(exec, gram, gram, true, square);
    exec.backend->scale(exec, square, kC, square);
    scale_and_add(exec, gram, kB, square);
    multiply(exec, gram, work, false, product);
    scale_and_add(exec, work, kA, product);
  }
  if (tall) {
    const Tensor back = transposed(exec, work);
    std::copy_n(back.f32(), back.elements(), x.f32());
  }
}

Optimizer::Optimizer(const OptimizerRecipe& recipe, VisitParams visit, Allocator& memory)
    : recipe_(recipe) {
  visit([&](Param& param) {
    if (!param.trained()) return;
    Slot slot{param.name, param.value, param.kind, Tensor::zeros(memory, param.shape), {}};
    const bool muon = recipe.kind == OptimizerKind::kMuon && param.kind == ParamKind::kMatrix &&
                      param.shape.rank() == 2;
    if (!muon) slot.second = Tensor::zeros(memory, param.shape);
    slots_.push_back(std::move(slot));
  });
}

double Optimizer::gradient_norm(Exec& exec, const GradStore& gradients) const {
  double total = 0;
  for (const Slot& slot : slots_) {
    const Tensor gradient = gradients.find(slot.value.tag());
    if (gradient.defined()) total += sum_of_squares(exec, gradient);
  }
  return std::sqrt(total);
}

void Optimizer::step(Exec& exec, const GradStore& gradients, double learning_rate, double factor) {
  ++steps_;
  for (Slot& slot : slots_) {
    const Tensor gradient = gradients.find(slot.value.tag());
    if (!gradient.defined()) continue;
    if (slot.second.defined()) {
      adamw(exec, slot, gradient, learning_rate, factor);
    } else {
      muon(exec, slot, gradient, learning_rate, factor);
    }
  }
}

void Optimizer::adamw(Exec& exec, Slot& slot, const Tensor& gradient, double learning_rate,
                      double factor) {
  const auto steps = static_cast<double>(steps_);
  kernels::AdamWStep constants{};
  constants.learning_rate = static_cast<float>(learning_rate);
  constants.beta1 = static_cast<float>(recipe_.beta1);
  constants.beta2 = static_cast<float>(recipe_.beta2);
  constants.epsilon = static_cast<float>(recipe_.epsilon);
  constants.weight_decay =
      slot.kind == ParamKind::kVector ? 0.0F : static_cast<float>(recipe_.weight_decay);
  constants.correction1 = static_cast<float>(1.0 - std::pow(recipe_.beta1, steps));
  constants.correction2 = static_cast<float>(1.0 - std::pow(recipe_.beta2, steps));
  constants.gradient_factor = static_cast<float>(factor);
  exec.pool->for_blocks(0, slot.value.elements(), kBlock, [&](int64_t begin, int64_t end) {
    exec.backend->kernels->optimizer->adamw(constants, end - begin, gradient.f32() + begin,
                                            slot.value.f32() + begin, slot.first.f32() + begin,
                                            slot.second.f32() + begin);
  });
}

void Optimizer::muon(Exec& exec, Slot& slot, const Tensor& gradient, double learning_rate,
                     double factor) {
  const auto momentum = static_cast<float>(recipe_.momentum);
  const auto weight = static_cast<float>(factor);
  const Tensor update = Tensor::empty(*exec.memory, slot.value.shape());
  exec.pool->for_blocks(0, update.elements(), kBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float g = weight * gradient.f32()[i];
      const float m = momentum * slot.first.f32()[i] + g;
      slot.first.f32()[i] = m;
      update.f32()[i] = g + momentum * m;  // Nesterov
    }
  });
  orthogonalize(exec, update);
  const auto longest = static_cast<double>(std::max(update.dim(0), update.dim(1)));
  const auto change = static_cast<float>(-learning_rate * 0.2 * std::sqrt(longest));
  const auto keep = static_cast<float>(1.0 - learning_rate * recipe_.weight_decay);
  exec.backend->scale(exec, update, change, update);
  scale_and_add(exec, slot.value, keep, update);
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> state;
  for (const Slot& slot : slots_) {
    state.push_back({"first." + slot.name, slot.first});
    if (slot.second.defined()) state.push_back({"second." + slot.name, slot.second});
  }
  return state;
}

}  // namespace onmal
