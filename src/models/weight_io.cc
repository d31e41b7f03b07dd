#include "models/weight_io.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

constexpr std::string_view kLayerMark = "{}";

// "layers.12.query.weight" -> {"layers.{}.query.weight", "12"}; names without a layer give "".
std::pair<std::string, std::string> split_layer(const std::string& name) {
  constexpr std::string_view kPrefix = "layers.";
  if (name.compare(0, kPrefix.size(), kPrefix) != 0) return {name, ""};
  const size_t end = name.find('.', kPrefix.size());
  return {std::string(kPrefix) + std::string(kLayerMark) + name.substr(end),
          name.substr(kPrefix.size(), end - kPrefix.size())};
}

std::string fill_layer(std::string_view pattern, const std::string& layer) {
  const size_t mark = pattern.find(kLayerMark);
  if (mark == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(0, mark)) + layer +
         std::string(pattern.substr(mark + kLayerMark.size()));
}

const WeightRule* find_rule(std::span<const WeightRule> rules, const std::string& pattern) {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const WeightRule& r) { return r.ours == pattern; });
  return found == rules.end() ? nullptr : &*found;
}

struct RowRange {
  int64_t begin;
  int64_t end;
};

RowRange part_rows(const DecoderConfig& config, FusedPart part) {
  const int64_t query = config.heads * config.head_dim;
  const int64_t kv = config.kv_heads * config.head_dim;
  switch (part) {
    case FusedPart::kQuery:
      return {0, query};
    case FusedPart::kKey:
      return {query, query + kv};
    case FusedPart::kValue:
      return {query + kv, query + 2 * kv};
    case FusedPart::kWhole:
      break;
  }
  return {0, 0};
}

Tensor transposed_f32(const Tensor& tensor, Allocator& memory) {
  const Tensor source = convert_tensor(tensor, DType::kF32, memory);
  const int64_t rows = source.dim(0);
  const int64_t columns = source.dim(1);
  const Tensor result = Tensor::empty(memory, Shape{columns, rows});
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      result.f32()[c * rows + r] = source.f32()[r * columns + c];
  }
  return result;
}

// Reorders the rows of each head between pairs (i, i + n/2) and pairs (2i, 2i + 1). Works on any
// number format: whole rows move.
Tensor reorder_heads(const Tensor& tensor, int64_t head_dim, RopeStyle from, Allocator& memory) {
  const Tensor result = Tensor::empty(memory, tensor.shape(), tensor.dtype());
  const int64_t rows = tensor.dim(0);
  const auto row_bytes = static_cast<size_t>(tensor.bytes() / rows);
  const int64_t half = head_dim / 2;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row / head_dim * head_dim;
    const int64_t within = row % head_dim;
    const int64_t halves_row =
        head + within / 2 + (within % 2) * half;  // where interleaved row `within` sits
    const int64_t source = from == RopeStyle::kHalves ? halves_row : row;
    const int64_t target = from == RopeStyle::kHalves ? row : halves_row;
    std::memcpy(result.data_as<std::byte>() + static_cast<size_t>(target) * row_bytes,
                tensor.data_as<std::byte>() + static_cast<size_t>(source) * row_bytes, row_bytes);
  }
  return result;
}

bool is_rotated(const std::string& pattern) {
  return pattern.find(".query.") != std::string::npos || pattern.find(".key.") != std::string::npos;
}

// The stored tensor, cut and turned into our layout, still in its own number format unless
// transposed.
Tensor read_stored(const DecoderConfig& config, const WeightRule& rule, const Tensor& stored,
                   const Shape& expected, Allocator& memory, const std::string& name,
                   const std::string& where) {
  Tensor tensor = stored;
  if (rule.transposed && tensor.shape().rank() == 2) tensor = transposed_f32(tensor, memory);
  if (rule.part != FusedPart::kWhole) {
    const RowRange rows = part_rows(config, rule.part);
    if (tensor.shape().rank() < 1 || tensor.dim(0) < rows.end) {
      throw Error(ErrorCode::kBadFile, where,
                  "'" + name + "' has shape " + stored.shape().to_string() +
                      ", too small to hold query, key and value");
    }
    tensor = tensor.slice(rows.begin, rows.end);
  }
  if (!(tensor.shape() == expected)) {
    throw Error(ErrorCode::kBadFile, where,
                "'" + name + "' has shape " + tensor.shape().to_string() +
                    ", the configuration asks for " + expected.to_string(),
                "the weights and the configuration do not belong together");
  }
  return tensor;
}

}  // namespace

void load_weights(Decoder& decoder, std::span<const WeightRule> rules, FindTensor find,
                  Allocator& memory, std::optional<DType> matrices, const std::string& where) {
  const DecoderConfig& config = decoder.config();
  decoder.visit([&](Param& param) {
    const auto [pattern, layer] = split_layer(param.name);
    const WeightRule* rule = find_rule(rules, pattern);
    if (rule == nullptr) {
      throw Error(ErrorCode::kUnsupported, where,
                  "architecture '" + config.architecture + "' has no place for the weight '" +
                      param.name + "'");
    }
    const std::string name = fill_layer(rule->theirs, layer);
    const Tensor stored = find(name);
    if (!stored.defined()) {
      throw Error(ErrorCode::kBadFile, where, "the tensor '" + name + "' is missing",
                  "the file is incomplete or of another architecture");
    }
    const Tensor tensor = read_stored(config, *rule, stored, param.shape, memory, name, where);
    if (param.kind == ParamKind::kVector) {
      param.value = convert_tensor(tensor, DType::kF32, memory);
    } else {
      param.value = matrices ? convert_tensor(tensor, *matrices, memory) : tensor;
    }
  });
}

std::vector<NamedTensor> store_weights(Decoder& decoder, std::span<const WeightRule> rules,
                                       Allocator& memory, DType matrices, RopeStyle rope_style) {
  const DecoderConfig& config = decoder.config();
  std::vector<NamedTensor> stored;
  std::map<std::string, std::vector<Tensor>>
      fused;  // by stored name; parts come in order query, key, value
  decoder.visit([&](Param& param) {
    const auto [pattern, layer] = split_layer(param.name);
    const WeightRule* rule = find_rule(rules, pattern);
    if (rule == nullptr) {
      throw Error(ErrorCode::kUnsupported, config.architecture,
                  "this format has no place for the weight '" + param.name + "'");
    }
    Tensor value = param.value;
    if (config.position == PositionKind::kRope && config.rope_style != rope_style &&
        is_rotated(pattern)) {
      value = reorder_heads(value, config.head_dim, config.rope_style, memory);
    }
    const bool blocks_fit = param.shape.dim(-1) % dtype_info(matrices).block_size == 0;
    const DType dtype = param.kind == ParamKind::kVector ? DType::kF32
                        : blocks_fit                     ? matrices
                                                         : DType::kF16;
    const std::string name = fill_layer(rule->theirs, layer);
    if (rule->part == FusedPart::kWhole) {
      if (rule->transposed) value = transposed_f32(value, memory);
      stored.push_back({name, convert_tensor(value, dtype, memory)});
      return;
    }
    std::vector<Tensor>& parts = fused[name];
    parts.push_back(convert_tensor(value, DType::kF32, memory));
    if (rule->part != FusedPart::kValue) return;
    int64_t rows = 0;
    for (const Tensor& part : parts) rows += part.dim(0);
    const bool vector = param.kind == ParamKind::kVector;
    Tensor whole = Tensor::empty(memory, vector ? Shape{rows} : Shape{rows, param.shape.dim(1)});
    float* target = whole.f32();
    for (const Tensor& part : parts) target = std::copy_n(part.f32(), part.elements(), target);
    if (rule->transposed) whole = transposed_f32(whole, memory);
    stored.push_back({name, convert_tensor(whole, dtype, memory)});
    fused.erase(name);
  });
  return stored;
}

std::string stored_name(std::span<const WeightRule> rules, const std::string& ours) {
  const auto [pattern, layer] = split_layer(ours);
  const WeightRule* rule = find_rule(rules, pattern);
  return rule == nullptr ? "" : fill_layer(rule->theirs, layer);
}

}  // namespace onmal
