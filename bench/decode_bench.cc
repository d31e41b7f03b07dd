// Matrix-vector products of one decoded token (a 300M-parameter decoder's shapes, random weights)
// beside the read bandwidth of this machine, in one process. Usage:
//   decode_bench [--json] [--repeats N] [--rows M]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/timer.h"
#include "ops/backend.h"
#include "tensor/allocators.h"

namespace {

using namespace onmal;

struct Options {
  bool json = false;
  int repeats = 9;
  int64_t rows = 1;
};

constexpr int kLayers = 24;
constexpr int64_t kDim = 1024;
constexpr int64_t kHidden = 2816;
constexpr int64_t kVocabulary = 16384;

double median(std::vector<double>& seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

// Bytes a second over a buffer far larger than any cache.
double read_bandwidth(ThreadPool& pool, const Tensor& buffer, int repeats) {
  const auto* words = buffer.data_as<uint64_t>();
  const int64_t count = buffer.bytes() / 8;
  constexpr int64_t kBlock = int64_t{1} << 16;
  std::vector<uint64_t> sums(static_cast<size_t>((count + kBlock - 1) / kBlock));
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    const Timer timer;
    pool.for_blocks(0, count, kBlock, [&](int64_t begin, int64_t end) {
      uint64_t parts[16] = {};
      for (int64_t j = begin; j + 16 <= end; j += 16) {
        for (int64_t k = 0; k < 16; ++k) parts[k] += words[j + k];
      }
      uint64_t sum = 0;
      for (const uint64_t part : parts) sum += part;
      sums[static_cast<size_t>(begin / kBlock)] = sum;
    });
    if (i > 0) seconds.push_back(timer.seconds());
  }
  volatile uint64_t used = sums[0];
  static_cast<void>(used);
  return static_cast<double>(buffer.bytes()) / median(seconds);
}

struct Weights {
  Tensor attention[4];  // q, k, v, o
  Tensor gate, up, down;
};

// A Linear's weight cut out of one large random block.
Tensor take(std::byte*& place, int64_t outputs, int64_t inner, DType dtype) {
  const Tensor weight = Tensor::borrowed(place, Shape{outputs, inner}, dtype);
  place += weight.bytes();
  return weight;
}

struct Token {
  Tensor narrow, narrow_out, wide, wide_out, logits;
};

void decode(Exec& exec, const std::vector<Weights>& layers, const Tensor& head, const Token& t) {
  for (const Weights& layer : layers) {
    for (const Tensor& weight : layer.attention) {
      exec.backend->linear(exec, t.narrow, weight, Tensor(), t.narrow_out);
    }
    exec.backend->linear(exec, t.narrow, layer.gate, Tensor(), t.wide_out);
    exec.backend->linear(exec, t.narrow, layer.up, Tensor(), t.wide_out);
    exec.backend->linear(exec, t.wide, layer.down, Tensor(), t.narrow_out);
  }
  exec.backend->linear(exec, t.narrow, head, Tensor(), t.logits);
}

// Random bytes, with scales and 16-bit floats of ordinary size.
void fill(const Tensor& block) {
  Rng rng(1);
  for (int64_t i = 0; i + 8 <= block.bytes(); i += 8) {
    const uint64_t word = rng.next() & 0x3BFF3BFF3BFF3BFFULL;
    std::memcpy(block.data_as<std::byte>() + i, &word, sizeof word);
  }
}

struct Result {
  double seconds;
  double bytes;
};

Result measure(Exec& exec, const Options& options, const Tensor& block, DType dtype) {
  std::byte* place = block.data_as<std::byte>();
  std::vector<Weights> layers(kLayers);
  for (Weights& layer : layers) {
    for (Tensor& weight : layer.attention) weight = take(place, kDim, kDim, dtype);
    layer.gate = take(place, kHidden, kDim, dtype);
    layer.up = take(place, kHidden, kDim, dtype);
    layer.down = take(place, kDim, kHidden, dtype);
  }
  const Tensor head = take(place, kVocabulary, kDim, dtype);
  const auto ones = [&](int64_t size) {
    const Tensor tensor = Tensor::empty(*exec.memory, Shape{options.rows, size});
    std::fill_n(tensor.f32(), tensor.elements(), 0.01F);
    return tensor;
  };
  const Token token{ones(kDim), ones(kDim), ones(kHidden), ones(kHidden), ones(kVocabulary)};
  std::vector<double> seconds;
  for (int i = 0; i <= options.repeats; ++i) {
    const Timer timer;
    decode(exec, layers, head, token);
    if (i > 0) seconds.push_back(timer.seconds());
  }
  return {median(seconds), static_cast<double>(place - block.data_as<std::byte>())};
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--json") options.json = true;
    if (word == "--repeats") options.repeats = std::max(1, std::atoi(value));
    if (word == "--rows") options.rows = std::max(1, std::atoi(value));
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  constexpr int64_t kMostBytes =
      (kLayers * (4 * kDim * kDim + 3 * kDim * kHidden) + kVocabulary * kDim) * 4;
  const Tensor block = Tensor::empty(memory, Shape{kMostBytes / 4});
  fill(block);
  const int most = ThreadPool().threads();
  for (int threads = 1; threads <= most; threads = threads < most ? most : most + 1) {
    ThreadPool pool(threads);
    Exec exec{&pool, &memory, &backend};
    for (const DType dtype : {DType::kQ8_0, DType::kF16, DType::kBF16, DType::kF32}) {
      const double bandwidth = read_bandwidth(pool, block, options.repeats);
      const Result result = measure(exec, options, block, dtype);
      const double rate = result.bytes / result.seconds;
      const std::string_view name = dtype_info(dtype).name;
      std::printf(
          options.json
              ? "{\"threads\":%d,\"rows\":%ld,\"dtype\":\"%.*s\",\"tokens_per_s\":%.2f,"
                "\"weights_gb_per_s\":%.2f,\"read_gb_per_s\":%.2f,\"fraction\":%.3f}\n"
              : "%d thr  rows %ld  %-5.*s %7.2f passes/s  weights %6.2f GB/s  read %6.2f GB/s  "
                "fraction %.2f\n",
          threads, options.rows, static_cast<int>(name.size()), name.data(), 1 / result.seconds,
          rate * 1e-9, bandwidth * 1e-9, rate / bandwidth);
      std::fflush(stdout);
    }
  }
  return 0;
}
