#include "ops/op_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/tape.h"
#include "base/error.h"
#include "base/rng.h"
#include "kernels/select.h"
#include "ops/attention.h"
#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/scale_columns.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

double value_of(const Tensor& tensor, int64_t i) {
  return tensor.dtype() == DType::kF64 ? tensor.f64()[i] : static_cast<double>(tensor.f32()[i]);
}

std::vector<Tensor> make_inputs(const OpCase& op, Allocator& memory, DType dtype) {
  Rng rng(42);
  std::vector<Tensor> inputs;
  for (const OpCase::Input& input : op.inputs) {
    Tensor tensor = Tensor::empty(memory, input.shape, dtype);
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      // The same f32-representable values in both precisions.
      const auto value = static_cast<float>(input.offset + input.deviation * rng.normal());
      if (dtype == DType::kF64) {
        tensor.f64()[i] = static_cast<double>(value);
      } else {
        tensor.f32()[i] = value;
      }
    }
    inputs.push_back(tensor);
  }
  return inputs;
}

// dL/d(output) for L = sum of weights * output, weights fixed and uneven.
Tensor make_seed(const Tensor& output, Allocator& memory) {
  Tensor seed = Tensor::empty(memory, output.shape(), output.dtype());
  for (int64_t i = 0; i < seed.elements(); ++i) {
    const double weight = seed.elements() == 1 ? 1.0
                                               : 0.5 + 0.25 * static_cast<double>(i % 7) -
                                                     0.3 * static_cast<double>(i % 3);
    if (seed.dtype() == DType::kF64) {
      seed.f64()[i] = weight;
    } else {
      seed.f32()[i] = static_cast<float>(weight);
    }
  }
  return seed;
}

struct Result {
  Tensor output;
  std::vector<Tensor> gradients;
};

Result run(const OpCase& op, const Backend& backend, ThreadPool& pool, Allocator& memory,
           DType dtype) {
  Tape tape;
  GradStore gradients;
  Exec exec{&pool, &memory, &backend, &tape};
  std::vector<Tensor> inputs = make_inputs(op, memory, dtype);
  for (Tensor& input : inputs) tape.watch(input);
  Result result;
  result.output = op.apply(exec, inputs);
  tape.backward(exec, result.output, make_seed(result.output, memory), gradients);
  for (const Tensor& input : inputs) result.gradients.push_back(gradients.find(input.tag()));
  return result;
}

double weighted_sum(const OpCase& op, Exec& exec, const std::vector<Tensor>& inputs) {
  const Tensor output = op.apply(exec, inputs);
  const Tensor weights = make_seed(output, *exec.memory);
  double total = 0;
  for (int64_t i = 0; i < output.elements(); ++i)
    total += value_of(output, i) * value_of(weights, i);
  return total;
}

void expect_close(const Tensor& got, const Tensor& want, double bound, const std::string& what) {
  ASSERT_EQ(got.elements(), want.elements()) << what;
  // Gradients that cancel out (a softmax over one key) are held to the size of their terms, not to
  // zero.
  double largest = 1e-2;
  double difference = 0;
  for (int64_t i = 0; i < want.elements(); ++i) {
    largest = std::max(largest, std::abs(value_of(want, i)));
    difference = std::max(difference, std::abs(value_of(got, i) - value_of(want, i)));
  }
  EXPECT_LE(difference / largest, bound) << what;
}

class OpCaseTest : public ::testing::Test {
 protected:
  ThreadPool one_{1};
  ThreadPool two_{2};
  HeapAllocator memory_;
};

TEST_F(OpCaseTest, GradientsInDoubleMatchFiniteDifferences) {
  const Backend plain = make_plain_backend();
  for (const OpCase& op : all_op_cases()) {
    const Result result = run(op, plain, one_, memory_, DType::kF64);
    Exec exec{&one_, &memory_, &plain};
    std::vector<Tensor> inputs = make_inputs(op, memory_, DType::kF64);
    Rng rng(7);
    for (size_t k = 0; k < inputs.size(); ++k) {
      ASSERT_TRUE(result.gradients[k].defined()) << op.name << " input " << k;
      for (int probe = 0; probe < 6; ++probe) {
        const auto i = static_cast<int64_t>(rng.below(static_cast<uint64_t>(inputs[k].elements())));
        constexpr double kStep = 1e-5;
        double& x = inputs[k].f64()[i];
        const double original = x;
        x = original + kStep;
        const double above = weighted_sum(op, exec, inputs);
        x = original - kStep;
        const double below = weighted_sum(op, exec, inputs);
        x = original;
        const double numeric = (above - below) / (2 * kStep);
        EXPECT_NEAR(result.gradients[k].f64()[i], numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
            << op.name << " input " << k << "[" << i << "]";
      }
    }
  }
}

TEST_F(OpCaseTest, EveryInstructionSetMatchesPlainLoopsInDouble) {
  const Backend plain = make_plain_backend();
  for (const OpCase& op : all_op_cases()) {
    const Result want = run(op, plain, one_, memory_, DType::kF64);
    for (const Isa isa : kernels::available_isas()) {
      const Backend cpu = make_cpu_backend(isa);
      const Result got = run(op, cpu, two_, memory_, DType::kF32);
      const std::string name = op.name + " on " + std::string(isa_name(isa));
      expect_close(got.output, want.output, op.bound, name);
      for (size_t k = 0; k < want.gradients.size(); ++k) {
        expect_close(got.gradients[k], want.gradients[k], op.gradient_bound,
                     name + ", gradient " + std::to_string(k));
      }
    }
  }
}

TEST_F(OpCaseTest, OneThreadAndTwoGiveTheSameBits) {
  const Backend cpu = make_cpu_backend();
  const auto same = [](const Tensor& a, const Tensor& b) {
    return std::equal(a.f32(), a.f32() + a.elements(), b.f32());
  };
  for (const OpCase& op : all_op_cases()) {
    const Result single = run(op, cpu, one_, memory_, DType::kF32);
    const Result both = run(op, cpu, two_, memory_, DType::kF32);
    EXPECT_TRUE(same(single.output, both.output)) << op.name;
    for (size_t k = 0; k < single.gradients.size(); ++k) {
      EXPECT_TRUE(same(single.gradients[k], both.gradients[k])) << op.name << " gradient " << k;
    }
  }
}

TEST_F(OpCaseTest, ArenaAndHeapGiveTheSameBits) {
  const Backend cpu = make_cpu_backend();
  for (const OpCase& op : all_op_cases()) {
    Arena arena;
    Exec on_arena{&two_, &arena, &cpu};
    Exec on_heap{&two_, &memory_, &cpu};
    const Tensor a = op.apply(on_arena, make_inputs(op, memory_, DType::kF32));
    const Tensor b = op.apply(on_heap, make_inputs(op, memory_, DType::kF32));
    EXPECT_TRUE(std::equal(a.f32(), a.f32() + a.elements(), b.f32())) << op.name;
  }
}

TEST_F(OpCaseTest, NotANumberPassesThrough) {
  for (const Isa isa : kernels::available_isas()) {
    const Backend cpu = make_cpu_backend(isa);
    Exec exec{&two_, &memory_, &cpu};
    for (const OpCase& op : all_op_cases()) {
      if (op.name.find("relu") != std::string::npos || op.name == "embedding") continue;
      std::vector<Tensor> inputs = make_inputs(op, memory_, DType::kF32);
      std::fill_n(inputs[0].f32(), inputs[0].elements(), std::numeric_limits<float>::quiet_NaN());
      const Tensor output = op.apply(exec, inputs);
      EXPECT_TRUE(std::isnan(output.f32()[0])) << op.name << " on " << isa_name(isa);
    }
  }
}

TEST_F(OpCaseTest, WrongShapesAndIdsAreErrorsThatNameTheOp) {
  const Backend cpu = make_cpu_backend();
  Exec exec{&one_, &memory_, &cpu};
  const Tensor x = Tensor::zeros(memory_, Shape{2, 8});
  const Tensor w = Tensor::zeros(memory_, Shape{4, 9});
  try {
    linear(exec, x, w);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("[linear] x: has shape [2, 8]"), std::string::npos)
        << error.what();
  }
  Tensor ids = Tensor::zeros(memory_, Shape{2}, DType::kI32);
  ids.i32()[1] = 4;
  EXPECT_THROW(embedding(exec, w, ids), Error);
  ids.i32()[1] = -1;
  EXPECT_THROW(embedding(exec, w, ids), Error);
  const Tensor hidden = Tensor::zeros(memory_, Shape{2, 9});
  EXPECT_THROW(linear_cross_entropy(exec, hidden, w, ids, CrossEntropyParams{}), Error);
  EXPECT_THROW(scale_columns(exec, hidden, x), Error);
  CrossEntropyParams biased;
  biased.bias = x;
  ids.i32()[1] = 1;
  EXPECT_THROW(linear_cross_entropy(exec, hidden, w, ids, biased), Error);
  const Tensor q = Tensor::zeros(memory_, Shape{1, 4, 3, 8});
  const Tensor k = Tensor::zeros(memory_, Shape{1, 4, 2, 8});
  EXPECT_THROW(attention(exec, q, k, k, AttentionParams{}), Error);
}

}  // namespace
}  // namespace onmal
