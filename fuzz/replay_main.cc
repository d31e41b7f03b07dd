// Runs a fuzzer without libFuzzer:
//   X_fuzz FILE…                                 each file once (regressions)
//   X_fuzz --random SECONDS SEED [CORPUS…]       mutations of the corpus (files or folders)
// A crash prints the seed and iteration, and leaves the input in crash-input.bin.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/timer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr size_t kMostGrown = 256;

// What a signal handler may look at; this is a program of its own, not the library.
const char* current_data = nullptr;
size_t current_size = 0;

// Only calls that are safe in a signal handler, as far as a dying fuzzer needs them.
void save_input(int signal) {
  std::FILE* file = std::fopen("crash-input.bin", "wb");
  if (file != nullptr) {
    std::fwrite(current_data, 1, current_size, file);
    std::fclose(file);
    std::fputs("crashed; the input is in crash-input.bin\n", stderr);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// In memory of exactly this size, so that a sanitizer sees a read one byte too far.
void run_one(const std::string& input) {
  const std::unique_ptr<uint8_t[]> exact(new uint8_t[input.size()]);
  std::memcpy(exact.get(), input.data(), input.size());
  current_data = input.data();
  current_size = input.size();
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

std::vector<std::string> read_corpus(const std::vector<std::filesystem::path>& places) {
  std::vector<std::string> corpus;
  for (const std::filesystem::path& place : places) {
    if (!std::filesystem::is_directory(place)) {
      corpus.push_back(onmal::read_file(place));
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
      if (entry.is_regular_file() && entry.file_size() <= kMostBytes) {
        corpus.push_back(onmal::read_file(entry.path()));
      }
    }
  }
  if (corpus.empty()) corpus.emplace_back();
  return corpus;
}

// Numbers on which size arithmetic breaks.
uint64_t awkward_number(onmal::Rng& rng) {
  const uint64_t power = uint64_t{1} << rng.below(64);
  switch (rng.below(4)) {
    case 0:
      return power;
    case 1:
      return power - 1;
    case 2:
      return 0 - power;
    default:
      return rng.below(300);
  }
}

void mutate(std::string& input, const std::vector<std::string>& corpus, onmal::Rng& rng) {
  if (input.empty()) input.assign(1 + rng.below(kMostGrown), '\0');
  // Half of the changes in the first bytes, where headers are.
  const size_t reach = rng.below(2) == 0 ? std::min<size_t>(input.size(), 512) : input.size();
  const size_t at = rng.below(reach);
  const size_t rest = input.size() - at;
  switch (rng.below(7)) {
    case 0:
      input[at] = static_cast<char>(input[at] ^ (1 << rng.below(8)));
      break;
    case 1:
      input[at] = static_cast<char>(rng.next());
      break;
    case 2: {
      const uint64_t number = awkward_number(rng);
      const size_t width = std::min<size_t>(rest, size_t{1} << rng.below(4));
      std::memcpy(input.data() + at, &number, width);
      break;
    }
    case 3:
      input.erase(at, 1 + rng.below(std::min<size_t>(rest, kMostGrown)));
      break;
    case 4:
      input.insert(at, input.substr(rng.below(input.size()), rng.below(kMostGrown)));
      break;
    case 5: {
      const std::string& other = corpus[rng.below(corpus.size())];
      if (!other.empty())
        input.replace(at, std::min(rest, kMostGrown),
                      other.substr(rng.below(other.size()), kMostGrown));
      break;
    }
    default:
      input.insert(at, 1 + rng.below(8), "{}[]\",:0-"[rng.below(9)]);
      break;
  }
  if (input.size() > kMostBytes) input.resize(kMostBytes);
}

void run_random(double seconds, uint64_t seed, const std::vector<std::string>& corpus) {
  onmal::Rng rng(seed);
  const onmal::Timer timer;
  uint64_t runs = 0;
  for (const std::string& input : corpus) run_one(input);
  while (timer.seconds() < seconds) {
    std::string input = corpus[rng.below(corpus.size())];
    for (uint64_t i = 1 + rng.below(8); i > 0; --i) mutate(input, corpus, rng);
    run_one(input);
    ++runs;
  }
  std::printf("%llu mutated inputs of %zu files, seed %llu: no finding\n",
              static_cast<unsigned long long>(runs), corpus.size(),
              static_cast<unsigned long long>(seed));
}

}  // namespace

int main(int argc, char** argv) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) {
    std::signal(signal, save_input);
  }
  const bool random = argc >= 4 && std::strcmp(argv[1], "--random") == 0;
  if (argc < 2 || (argv[1][0] == '-' && !random)) {
    std::fprintf(stderr, "usage: %s FILE… | --random SECONDS SEED [CORPUS…]\n", argv[0]);
    return 2;
  }
  try {
    const std::vector<std::string> corpus = read_corpus({argv + (random ? 4 : 1), argv + argc});
    if (random) {
      run_random(std::atof(argv[2]), std::strtoull(argv[3], nullptr, 10), corpus);
      return 0;
    }
    for (const std::string& input : corpus) run_one(input);
    std::printf("%zu inputs: no finding\n", corpus.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "an exception came out of the fuzzer: %s\n", error.what());
    save_input(SIGABRT);
  }
  return 0;
}
