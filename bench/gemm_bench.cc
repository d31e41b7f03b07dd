// Matrix products of a training step: Onmal's own against OpenBLAS (where it is installed), in
// turns in one process so that a busy machine slows both. Medians. Usage:
//   gemm_bench [--json] [--repeats N] [--threads N] [--cpu-time] [--isa avx2]
//     [--only SUBSTRING]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "base/timer.h"
#include "ops/backend.h"
#include "tensor/allocators.h"
#if defined(ONMAL_HAVE_OPENBLAS)
#include <cblas.h>
#endif

namespace {

using namespace onmal;

struct Options {
  bool json = false;
  bool cpu_time = false;  // for one thread on a machine with other work
  int repeats = 5;
  int threads = 0;  // 0: one, then all
  Isa isa = detect_isa();
  std::string only;
};

struct Size {
  int64_t m, n, k;
};

constexpr Size kSizes[] = {{2048, 320, 320},  {2048, 896, 320},  {2048, 320, 896},
                           {2048, 8192, 320}, {1024, 768, 768},  {1024, 3072, 768},
                           {1024, 768, 3072}, {1024, 50257, 768}};

enum class Form { kForward, kInput, kWeight };
constexpr std::string_view kFormNames[] = {"out = x w^T", "dx = dout w", "dw = dout^T x"};

struct Row {
  Size size;
  Form form;
  int threads;
  double own, own_bf16, openblas;  // seconds; 0: not measured
};

double median(std::vector<double>& seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

struct Problem {
  Tensor x, w, y;  // [m, k], [n, k], [m, n]; the form says which is the result
};

void fill(const Tensor& tensor, uint64_t seed) {
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    tensor.f32()[i] = static_cast<float>(rng.uniform()) - 0.5F;
  }
}

void run_own(Exec& exec, Form form, const Problem& p) {
  switch (form) {
    case Form::kForward:
      return exec.backend->linear(exec, p.x, p.w, Tensor(), p.y);
    case Form::kInput:
      return exec.backend->linear_backward_input(exec, p.y, p.w, p.x, false);
    case Form::kWeight:
      return exec.backend->linear_backward_weight(exec, p.y, p.x, p.w, false);
  }
}

#if defined(ONMAL_HAVE_OPENBLAS)
void run_openblas(Form form, const Problem& p, const Size& size) {
  const auto m = static_cast<blasint>(size.m);
  const auto n = static_cast<blasint>(size.n);
  const auto k = static_cast<blasint>(size.k);
  switch (form) {
    case Form::kForward:
      return cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, p.x.f32(), k,
                         p.w.f32(), k, 0.0F, p.y.f32(), n);
    case Form::kInput:
      return cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, k, n, 1.0F, p.y.f32(), n,
                         p.w.f32(), k, 0.0F, p.x.f32(), k);
    case Form::kWeight:
      return cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, k, m, 1.0F, p.y.f32(), n,
                         p.x.f32(), k, 0.0F, p.w.f32(), k);
  }
}
#endif

// Runs for a tenth of a second until caches are warm and the threads have spread, then notes times.
template <typename Body>
void repeat(const Options& options, std::vector<double>& seconds, Body&& body) {
  const Timer warming;
  do {
    body();
  } while (warming.seconds() < 0.1);
  for (int i = 0; i < options.repeats; ++i) {
    const Timer timer;
    const std::clock_t start = std::clock();
    body();
    const auto ticks = static_cast<double>(std::clock() - start);
    seconds.push_back(options.cpu_time ? ticks / CLOCKS_PER_SEC : timer.seconds());
  }
}

Row measure(const Options& options, const Backend& backend, const Size& size, Form form,
            int threads) {
  ThreadPool pool(threads);
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const Problem problem{Tensor::empty(memory, Shape{size.m, size.k}),
                        Tensor::empty(memory, Shape{size.n, size.k}),
                        Tensor::empty(memory, Shape{size.m, size.n})};
  fill(problem.x, 1);
  fill(problem.w, 2);
  fill(problem.y, 3);
  std::vector<double> own;
  std::vector<double> own_bf16;
  std::vector<double> openblas;
  for (int round = 0; round < 2; ++round) {
    // OpenBLAS's idle threads spin for a while: let them fall asleep.
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    repeat(options, own, [&] { run_own(exec, form, problem); });
    exec.matmul_precision = MatmulPrecision::kBf16;
    repeat(options, own_bf16, [&] { run_own(exec, form, problem); });
    exec.matmul_precision = MatmulPrecision::kF32;
#if defined(ONMAL_HAVE_OPENBLAS)
    openblas_set_num_threads(threads);
    repeat(options, openblas, [&] { run_openblas(form, problem, size); });
#endif
  }
  return {size,
          form,
          threads,
          median(own),
          median(own_bf16),
          openblas.empty() ? 0.0 : median(openblas)};
}

double gflops(const Size& size, double seconds) {
  return 2e-9 * static_cast<double>(size.m * size.n * size.k) / seconds;
}

void print(const Options& options, const Row& row) {
  const Size& size = row.size;
  const std::string_view form = kFormNames[static_cast<size_t>(row.form)];
  if (options.json) {
    std::printf(
        "{\"form\":\"%.*s\",\"m\":%ld,\"n\":%ld,\"k\":%ld,\"threads\":%d,\"own_gflops\":%.1f,"
        "\"own_bf16_gflops\":%.1f,\"openblas_gflops\":%.1f}\n",
        static_cast<int>(form.size()), form.data(), size.m, size.n, size.k, row.threads,
        gflops(size, row.own), gflops(size, row.own_bf16),
        row.openblas > 0 ? gflops(size, row.openblas) : 0.0);
  } else {
    std::printf("%-14.*s %5ld %6ld %5ld %2d thr  %7.1f  bf16 %7.1f  OpenBLAS %7.1f  ratio %.2f\n",
                static_cast<int>(form.size()), form.data(), size.m, size.n, size.k, row.threads,
                gflops(size, row.own), gflops(size, row.own_bf16),
                row.openblas > 0 ? gflops(size, row.openblas) : 0.0, row.openblas / row.own);
  }
  std::fflush(stdout);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--json") options.json = true;
    if (word == "--cpu-time") {
      options.cpu_time = true;
      options.threads = 1;
    }
    if (word == "--repeats") options.repeats = std::max(1, std::atoi(value));
    if (word == "--threads") options.threads = std::max(1, std::atoi(value));
    if (word == "--only") options.only = value;
    if (word == "--isa") {
      for (const Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
        if (isa_name(isa) == value) options.isa = isa;
      }
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const Backend backend = make_cpu_backend(options.isa);
#if defined(ONMAL_HAVE_OPENBLAS)
  std::fprintf(stderr, "OpenBLAS: %s\n", openblas_get_config());
#endif
  const int most = ThreadPool().threads();
  for (int threads = 1; threads <= most; ++threads) {
    if (options.threads > 0 ? threads != options.threads : threads != 1 && threads != most)
      continue;
    for (const Size& size : kSizes) {
      for (const Form form : {Form::kForward, Form::kInput, Form::kWeight}) {
        const std::string name =
            std::to_string(size.m) + "x" + std::to_string(size.n) + "x" + std::to_string(size.k);
        if (name.find(options.only) == std::string::npos) continue;
        print(options, measure(options, backend, size, form, threads));
      }
    }
  }
  return 0;
}
