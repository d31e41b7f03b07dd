// Errors and speed of the block encoders, beside those of ggml (llama.cpp's library) where there is
// one.
//   quantize_bench [--ggml libggml-base.so] [--weights RAW_F32 [ROW]]
// Prints one line per format: root mean square errors relative to that of the values, unweighted
// and weighted by an importance per column, and microseconds per 1000 values.
#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "base/timer.h"
#include "kernels/quantize/encode.h"
#include "kernels/select.h"

namespace onmal {
namespace {

struct Format {
  DType dtype;
  int ggml_type;
};

constexpr Format kFormats[] = {
    {DType::kQ4_0, 2},  {DType::kQ4_1, 3},  {DType::kQ5_0, 6},    {DType::kQ5_1, 7},
    {DType::kQ8_0, 8},  {DType::kQ2_K, 10}, {DType::kQ3_K, 11},   {DType::kQ4_K, 12},
    {DType::kQ5_K, 13}, {DType::kQ6_K, 14}, {DType::kIQ4_NL, 20}, {DType::kIQ4_XS, 23},
};

using QuantizeChunk = size_t (*)(int type, const float* src, void* dst, int64_t start, int64_t rows,
                                 int64_t row, const float* importance);

struct Data {
  std::vector<float> values;
  std::vector<float> importance;  // one row
  int64_t row = 4096;
};

Data gaussian() {
  Data data;
  Rng rng(1);
  data.values.resize(static_cast<size_t>(64 * data.row));
  for (float& value : data.values) value = 0.02F * static_cast<float>(rng.normal());
  return data;
}

void add_importance(Data& data) {
  Rng rng(2);
  data.importance.resize(static_cast<size_t>(data.row));
  // Log-normal, as mean squares of activations about are.
  for (float& weight : data.importance) weight = static_cast<float>(std::exp(1.5 * rng.normal()));
}

double relative_error(const Data& data, DType dtype, const std::vector<std::byte>& blocks,
                      bool weighted) {
  std::vector<float> back(data.values.size());
  kernels::table(detect_isa())
      .convert->quantized_to_f32(dtype, blocks.data(), back.data(),
                                 static_cast<int64_t>(back.size()));
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < back.size(); ++i) {
    const double weight =
        weighted ? static_cast<double>(data.importance[i % static_cast<size_t>(data.row)]) : 1.0;
    const double value = static_cast<double>(data.values[i]);
    const double difference = static_cast<double>(back[i]) - value;
    error += weight * difference * difference;
    power += weight * value * value;
  }
  return std::sqrt(error / power);
}

void encode(const Data& data, DType dtype, bool weighted, std::vector<std::byte>& blocks) {
  const auto count = static_cast<int64_t>(data.values.size());
  const int64_t row_bytes = dtype_bytes(dtype, data.row);
  for (int64_t row = 0; row < count / data.row; ++row) {
    kernels::encode_blocks(dtype, data.values.data() + row * data.row,
                           weighted ? data.importance.data() : nullptr,
                           blocks.data() + row * row_bytes, data.row);
  }
}

void compare(const Data& data, QuantizeChunk theirs) {
  const auto count = static_cast<int64_t>(data.values.size());
  for (const Format& format : kFormats) {
    std::vector<std::byte> blocks(static_cast<size_t>(dtype_bytes(format.dtype, count)));
    std::printf("%-7s", std::string(dtype_info(format.dtype).name).c_str());
    for (const bool weighted : {false, true}) {
      const Timer timer;
      encode(data, format.dtype, weighted, blocks);
      const double seconds = timer.seconds();
      const double ours = relative_error(data, format.dtype, blocks, weighted);
      std::printf("  %s ours %.5f", weighted ? "weighted" : "plain", ours);
      if (theirs != nullptr) {
        const Timer their_timer;
        theirs(format.ggml_type, data.values.data(), blocks.data(), 0, count / data.row, data.row,
               weighted ? data.importance.data() : nullptr);
        const double their_seconds = their_timer.seconds();
        const double error = relative_error(data, format.dtype, blocks, weighted);
        std::printf(" ggml %.5f ratio %.4f", error, ours / error);
        std::printf(" (us/1000: %.1f, %.1f)", 1e9 * seconds / static_cast<double>(count),
                    1e9 * their_seconds / static_cast<double>(count));
      } else {
        std::printf(" (us/1000: %.1f)", 1e9 * seconds / static_cast<double>(count));
      }
    }
    std::printf("\n");
  }
}

int run(int argc, char** argv) {
  Data data = gaussian();
  QuantizeChunk theirs = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--ggml" && i + 1 < argc) {
      void* library = dlopen(argv[++i], RTLD_NOW);
      if (library == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
      }
      theirs = reinterpret_cast<QuantizeChunk>(dlsym(library, "ggml_quantize_chunk"));
    } else if (option == "--weights" && i + 1 < argc) {
      const std::string text = read_file(argv[++i]);
      data.row = i + 1 < argc ? std::atoll(argv[++i]) : 256;
      if (data.row <= 0 || data.row % 256 != 0) return 2;
      const size_t whole = text.size() / sizeof(float) / static_cast<size_t>(data.row);
      data.values.resize(whole * static_cast<size_t>(data.row));
      __builtin_memcpy(data.values.data(), text.data(), data.values.size() * sizeof(float));
    } else {
      std::fprintf(stderr, "usage: quantize_bench [--ggml LIBRARY] [--weights RAW_F32 [ROW]]\n");
      return 2;
    }
  }
  add_importance(data);
  compare(data, theirs);
  return 0;
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) { return onmal::run(argc, argv); }
