#include "cli/random_model.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/rng.h"
#include "models/weight_io.h"

namespace onmal {
namespace {

struct NamedShape {
  std::string_view name;
  int64_t vocab_size, dim, layers, heads, kv_heads, ffn_dim;
};

constexpr std::array kShapes = {
    NamedShape{"10m", 8192, 320, 8, 5, 5, 864},
    NamedShape{"124m", 50304, 768, 12, 12, 12, 2048},
    NamedShape{"300m", 16384, 1024, 24, 16, 16, 2752},
    NamedShape{"1b", 32000, 2048, 22, 32, 4, 5632},
};

constexpr int64_t kDistinctRows = 64;

// Some random rows, converted once and repeated: large models fill fast, and speed does not care.
Tensor random_matrix(const Shape& shape, DType dtype, Allocator& memory, Rng& rng) {
  HeapAllocator scratch;
  const int64_t columns = shape.dim(-1);
  const Tensor rows = Tensor::empty(scratch, Shape{kDistinctRows, columns});
  for (int64_t i = 0; i < rows.elements(); ++i) {
    rows.f32()[i] = 0.07F * static_cast<float>(rng.uniform() - 0.5);
  }
  const Tensor source = convert_tensor(rows, dtype, scratch);
  const Tensor matrix = Tensor::empty(memory, shape, dtype);
  const auto row_bytes = static_cast<size_t>(dtype_bytes(dtype, columns));
  for (int64_t row = 0; row < shape.rows(); ++row) {
    std::memcpy(matrix.data_as<std::byte>() + static_cast<size_t>(row) * row_bytes,
                source.data_as<std::byte>() + static_cast<size_t>(row % kDistinctRows) * row_bytes,
                row_bytes);
  }
  return matrix;
}

}  // namespace

std::vector<std::string> random_model_shapes() {
  std::vector<std::string> names;
  for (const NamedShape& shape : kShapes) names.emplace_back(shape.name);
  return names;
}

LanguageModel random_model(const std::string& shape, DType matrices) {
  const auto found = std::find_if(kShapes.begin(), kShapes.end(),
                                  [&](const NamedShape& known) { return known.name == shape; });
  if (found == kShapes.end()) {
    throw Error(ErrorCode::kInvalidArgument, "random model", "no shape is called '" + shape + "'");
  }
  DecoderConfig config;
  config.vocab_size = found->vocab_size;
  config.dim = found->dim;
  config.layers = found->layers;
  config.heads = found->heads;
  config.kv_heads = found->kv_heads;
  config.head_dim = found->dim / found->heads;
  config.ffn_dim = found->ffn_dim;
  config.max_positions = 4096;
  LanguageModel model;
  model.path = "random " + shape;
  model.decoder = std::make_unique<Decoder>(config);
  Rng rng(1);
  model.decoder->visit([&](Param& param) {
    if (param.kind == ParamKind::kVector) {
      param.value = Tensor::empty(*model.memory, param.shape);
      std::fill_n(param.value.f32(), param.value.elements(), param.initial_value);
    } else {
      param.value = random_matrix(param.shape, matrices, *model.memory, rng);
    }
  });
  model.decoder->prepare(*model.memory);
  return model;
}

}  // namespace onmal
