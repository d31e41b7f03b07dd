// train_step --shape 10m|gpt2-124m [--threads N] [--batch B] [--length T] [--matmul f32|bf16]: one
// training step (forward, backward, AdamW), median of 5 after 2 to warm up, as JSON.
// bench/pytorch_step.py is the same in PyTorch.

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "autograd/tape.h"
#include "base/timer.h"
#include "models/decoder.h"
#include "tensor/allocators.h"
#include "train/optimizer.h"

namespace onmal {
namespace {

struct Options {
  std::string shape = "10m";
  int threads = 0;
  int64_t batch = 0;
  int64_t length = 256;
  MatmulPrecision matmul = MatmulPrecision::kF32;
};

DecoderConfig config_of(const std::string& shape) {
  DecoderConfig config;
  if (shape == "gpt2-124m") {
    config.architecture = "gpt2";
    config.vocab_size = 50257;
    config.dim = 768;
    config.layers = config.heads = config.kv_heads = 12;
    config.head_dim = 64;
    config.ffn_dim = 3072;
    config.max_positions = 1024;
    config.norm = NormKind::kLayer;
    config.position = PositionKind::kLearned;
    config.qkv_bias = config.output_bias = config.mlp_bias = true;
    config.gated_mlp = false;
    config.activation = Activation::kGeluTanh;
    return config;
  }
  config.vocab_size = 8192;
  config.dim = 320;
  config.layers = 8;
  config.heads = config.kv_heads = 5;
  config.head_dim = 64;
  config.ffn_dim = 896;
  config.max_positions = 1024;
  return config;
}

Tensor random_ids(Allocator& memory, const Shape& shape, int64_t vocabulary, uint64_t seed) {
  Rng rng(seed);
  const Tensor ids = Tensor::empty(memory, shape, DType::kI32);
  for (int64_t i = 0; i < ids.elements(); ++i) {
    ids.i32()[i] = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary)));
  }
  return ids;
}

void measure(const Options& options) {
  ThreadPool pool(options.threads);
  const Backend backend = make_cpu_backend();
  HeapAllocator long_lived;
  CachingAllocator memory;
  Decoder decoder(config_of(options.shape));
  Rng rng(1);
  decoder.initialize(long_lived, rng);
  decoder.prepare(long_lived);
  decoder.set_trained(true);
  const auto visit = [&](ParamVisitor visitor) { decoder.visit(visitor); };
  Optimizer optimizer(OptimizerRecipe{}, visit, long_lived);
  const int64_t batch = options.batch > 0 ? options.batch : (options.shape == "10m" ? 8 : 4);
  const Shape shape{batch, options.length};
  DecoderInput input;
  input.ids = random_ids(long_lived, shape, decoder.config().vocab_size, 2);
  const Tensor targets = random_ids(long_lived, shape, decoder.config().vocab_size, 3);
  GradStore gradients;
  constexpr int kWarmUp = 2;
  constexpr int kCounted = 5;
  std::vector<double> seconds;
  double loss_value = 0;
  for (int step = 0; step < kWarmUp + kCounted; ++step) {
    const Timer timer;
    Tape tape;
    Exec exec{&pool, &memory, &backend, &tape, nullptr, options.matmul};
    Tensor loss = decoder.loss(exec, decoder.forward(exec, input), targets).loss;
    loss_value = static_cast<double>(loss.f32()[0]);
    Tensor seed = Tensor::empty(memory, Shape{1});
    seed.f32()[0] = 1.0F;
    tape.backward(exec, loss, seed, gradients);
    const double norm = optimizer.gradient_norm(exec, gradients);
    optimizer.step(exec, gradients, 1e-4, norm > 1.0 ? 1.0 / norm : 1.0);
    gradients.clear();
    if (step >= kWarmUp) seconds.push_back(timer.seconds());
  }
  std::sort(seconds.begin(), seconds.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"shape\": \"%s\", \"threads\": %d, \"batch\": %lld, \"length\": %lld, \"matmul\": \"%s\", "
      "\"tokens_per_s\": "
      "%.1f, \"peak_rss_bytes\": %lld, \"loss\": %.6f}\n",
      options.shape.c_str(), pool.threads(), static_cast<long long>(batch),
      static_cast<long long>(options.length),
      options.matmul == MatmulPrecision::kF32 ? "f32" : "bf16",
      static_cast<double>(batch * options.length) / seconds[kCounted / 2],
      static_cast<long long>(usage.ru_maxrss) * 1024, loss_value);
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  onmal::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--shape") options.shape = value;
    if (name == "--threads") options.threads = std::atoi(value);
    if (name == "--batch") options.batch = std::atoll(value);
    if (name == "--length") options.length = std::atoll(value);
    if (name == "--matmul" && std::strcmp(value, "bf16") == 0)
      options.matmul = onmal::MatmulPrecision::kBf16;
  }
  onmal::measure(options);
  return 0;
}
