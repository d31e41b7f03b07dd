#pragma once

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/language_model.h"
#include "ops/backend.h"

// What the tests against reference files of another engine have in common (see those files'
// README).
namespace onmal::testing {

inline std::filesystem::path golden_folder() {
  const char* given = std::getenv("ONMAL_GOLDEN");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(ONMAL_SOURCE_DIR) / ".." / "shared/golden";
}

// `count` floats; none when the file is missing or shorter.
inline std::vector<float> read_gzip(const std::filesystem::path& path, size_t count) {
  std::vector<float> values(count);
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return {};
  const auto bytes = static_cast<unsigned>(count * sizeof(float));
  const bool whole = gzread(file, values.data(), bytes) == static_cast<int>(bytes);
  gzclose(file);
  return whole ? values : std::vector<float>{};
}

struct Difference {
  double largest = 0;   // |wanted|
  double absolute = 0;  // |got - wanted|
};

inline Difference difference_of(const float* got, const std::vector<float>& want) {
  Difference result;
  for (size_t i = 0; i < want.size(); ++i) {
    const auto wanted = static_cast<double>(want[i]);
    result.largest = std::max(result.largest, std::abs(wanted));
    result.absolute = std::max(result.absolute, std::abs(wanted - static_cast<double>(got[i])));
  }
  return result;
}

// A model's logits for the prompt of its description, and the reference's.
struct GoldenLogits {
  nlohmann::json description;
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> want;  // empty when the reference cannot be read
  std::vector<float> got;
};

// Reads NAME.gguf, NAME.json and NAME + `suffix` of the golden folder.
inline GoldenLogits golden_logits(const std::string& name, const std::string& suffix) {
  const std::filesystem::path folder = golden_folder();
  GoldenLogits result;
  result.description = nlohmann::json::parse(read_file(folder / (name + ".json")));
  const std::vector<int32_t> ids = result.description["token_ids"];
  result.rows = result.description["shape"][0];
  result.columns = result.description["shape"][1];
  result.want =
      read_gzip(folder / (name + suffix), static_cast<size_t>(result.rows * result.columns));
  const LanguageModel model = load_language_model(folder / (name + ".gguf"));
  const Backend backend = make_cpu_backend();
  ThreadPool pool(2);
  HeapAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const Tensor input =
      Tensor::borrowed(const_cast<int32_t*>(ids.data()), Shape{1, result.rows}, DType::kI32);
  const Tensor logits =
      model.decoder->logits(exec, model.decoder->forward(exec, {input, {}, nullptr}));
  result.got.assign(logits.f32(), logits.f32() + logits.elements());
  return result;
}

}  // namespace onmal::testing
