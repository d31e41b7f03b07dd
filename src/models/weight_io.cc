#include "models/weight_io.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr std::string_view kLayerMark = "{}";
constexpr std::string_view kIndexMark = "{#}";

// "layers.12.query.weight" -> {"layers.{}.query.weight", "12"}; names without a layer give "".
std::pair<std::string, std::string> split_layer(const std::string& name) {
  constexpr std::string_view kPrefix = "layers.";
  if (name.compare(0, kPrefix.size(), kPrefix) != 0) return {name, ""};
  const size_t end = name.find('.', kPrefix.size());
  return {std::string(kPrefix) + std::string(kLayerMark) + name.substr(end),
          name.substr(kPrefix.size(), end - kPrefix.size())};
}

std::string fill_mark(std::string_view pattern, std::string_view mark, const std::string& with) {
  const size_t place = pattern.find(mark);
  if (place == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(0, place)) + with +
         std::string(pattern.substr(place + mark.size()));
}

bool is_stacked(const WeightRule& rule) {
  return rule.theirs.find(kIndexMark) != std::string_view::npos;
}

// Calls body(begin, end) for each stretch of stored rows that holds `part`, in our order.
template <typename Body>
void for_part_rows(const DecoderConfig& config, const WeightRule& rule, Body&& body) {
  if (rule.part == FusedPart::kGate) return body(int64_t{0}, config.ffn_dim);
  if (rule.part == FusedPart::kUp) return body(config.ffn_dim, 2 * config.ffn_dim);
  const int64_t groups = rule.grouped ? config.kv_heads : 1;
  const int64_t query = config.heads / groups * config.head_dim;
  const int64_t kv = config.kv_heads / groups * config.head_dim;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t start = group * (query + 2 * kv);
    switch (rule.part) {
      case FusedPart::kQuery:
        body(start, start + query);
        break;
      case FusedPart::kKey:
        body(start + query, start + query + kv);
        break;
      default:
        body(start + query + kv, start + query + 2 * kv);
    }
  }
}

std::byte* row_at(const Tensor& tensor, int64_t row) {
  return tensor.data_as<std::byte>() + tensor.bytes() / tensor.dim(0) * row;
}

Shape with_rows(const Shape& shape, int64_t rows) {
  return shape.rank() == 1 ? Shape{rows} : Shape{rows, shape.dim(1)};
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

bool contains(const std::string& pattern, std::string_view part) {
  return pattern.find(part) != std::string::npos;
}

bool is_rotated(const std::string& pattern) {
  return contains(pattern, ".query.") || contains(pattern, ".key.");
}

bool is_norm(const std::string& pattern) { return contains(pattern, "_norm."); }

Tensor add_scalar(const Tensor& values, float offset, Allocator& memory) {
  const Tensor sums = Tensor::empty(memory, values.shape());
  std::transform(values.f32(), values.f32() + values.elements(), sums.f32(),
                 [offset](float value) { return value + offset; });
  return sums;
}

// Loads one weight after another by the rules.
class Loader {
 public:
  Loader(const DecoderConfig& config, const WeightFormat& format, FindTensor find,
         Allocator& memory, const std::string& where)
      : config_(config), format_(format), find_(find), memory_(memory), where_(where) {}

  // The stored tensor, cut and turned into our layout, still in its own number format unless
  // transposed.
  Tensor load(const Param& param, DType stacked_dtype) {
    const auto [pattern, layer] = split_layer(param.name);
    const std::vector<const WeightRule*> rules = format_.names.find(pattern, config_);
    if (rules.empty()) {
      throw Error(ErrorCode::kUnsupported, where_,
                  "architecture '" + config_.architecture + "' has no place for the weight '" +
                      param.name + "'");
    }
    for (const WeightRule* rule : rules) {
      const std::string name = fill_mark(rule->theirs, kLayerMark, layer);
      if (is_stacked(*rule)) {
        if (find_(fill_mark(name, kIndexMark, "0")).defined())
          return stack(param, name, stacked_dtype);
        continue;
      }
      if (const Tensor stored = find_(name); stored.defined())
        return fit(*rule, stored, param.shape, name);
    }
    const std::string name = fill_mark(rules.front()->theirs, kLayerMark, layer);
    throw Error(ErrorCode::kBadFile, where_,
                "the tensor '" + fill_mark(name, kIndexMark, "0") + "' is missing",
                "the file is incomplete or of another architecture");
  }

 private:
  [[noreturn]] void fail_shape(const std::string& name, const Shape& found,
                               const Shape& expected) const {
    throw Error(ErrorCode::kBadFile, where_,
                "'" + name + "' has shape " + found.to_string() + ", the configuration asks for " +
                    expected.to_string(),
                "the weights and the configuration do not belong together");
  }

  Tensor fit(const WeightRule& rule, const Tensor& stored, const Shape& expected,
             const std::string& name) {
    Tensor tensor = stored;
    if (rule.transposed && tensor.shape().rank() == 2) tensor = transposed_f32(tensor, memory_);
    if (rule.part != FusedPart::kWhole) {
      if (tensor.shape().rank() != expected.rank() || tensor.dim(0) != fused_rows(config_, rule)) {
        fail_shape(name, tensor.shape(), with_rows(expected, fused_rows(config_, rule)));
      }
      tensor = cut_part(config_, rule, tensor, memory_);
    }
    if (tensor.shape() == expected) return tensor;
    // A matrix of one row may be kept as a vector.
    const bool same_row =
        tensor.shape().rows() == 1 && expected.rows() == 1 && tensor.dim(-1) == expected.dim(-1);
    if (!same_row) fail_shape(name, tensor.shape(), expected);
    return tensor.reshaped(expected);
  }

  // One tensor of many, each in `dtype`.
  Tensor stack(const Param& param, const std::string& pattern, DType dtype) {
    const Shape& shape = param.shape;
    const Shape each = shape.rank() == 3 ? Shape{shape.dim(1), shape.dim(2)} : Shape{shape.dim(1)};
    const Tensor whole = Tensor::empty(memory_, shape, dtype);
    for (int64_t i = 0; i < shape.dim(0); ++i) {
      const std::string name = fill_mark(pattern, kIndexMark, std::to_string(i));
      const Tensor stored = find_(name);
      if (!stored.defined()) {
        throw Error(ErrorCode::kBadFile, where_, "the tensor '" + name + "' is missing",
                    "the file is incomplete or of another architecture");
      }
      if (!(stored.shape() == each)) fail_shape(name, stored.shape(), each);
      HeapAllocator scratch;
      const Tensor converted = convert_tensor(stored, dtype, scratch);
      std::memcpy(row_at(whole, i), converted.data(), static_cast<size_t>(converted.bytes()));
    }
    return whole;
  }

  const DecoderConfig& config_;
  const WeightFormat& format_;
  FindTensor find_;
  Allocator& memory_;
  const std::string& where_;
};

// What the tensors that we stack are stored in: the first one's format.
DType stored_format(const DecoderConfig& config, const WeightFormat& format, FindTensor find,
                    const std::string& ours) {
  const auto [pattern, layer] = split_layer(ours);
  for (const WeightRule* rule : format.names.find(pattern, config)) {
    const Tensor first =
        find(fill_mark(fill_mark(rule->theirs, kLayerMark, layer), kIndexMark, "0"));
    if (first.defined()) return first.dtype();
  }
  return DType::kF32;
}

// Gathers what a file keeps together and writes out what it keeps apart.
class Storer {
 public:
  Storer(const DecoderConfig& config, const WeightFormat& format, Allocator& memory, DType matrices,
         RopeStyle rope_style)
      : config_(config),
        format_(format),
        memory_(memory),
        matrices_(matrices),
        rope_style_(rope_style) {}

  void store(const Param& param) {
    const auto [pattern, layer] = split_layer(param.name);
    const std::vector<const WeightRule*> rules = format_.names.find(pattern, config_);
    if (rules.empty()) {
      throw Error(ErrorCode::kUnsupported, config_.architecture,
                  "this format has no place for the weight '" + param.name + "'");
    }
    const WeightRule& rule = *rules.front();
    Tensor value = param.value;
    if (config_.position == PositionKind::kRope && config_.rope_style != rope_style_ &&
        is_rotated(pattern)) {
      value = reorder_heads(value, config_.head_dim, config_.rope_style, memory_);
    }
    if (format_.norm_offset != 0.0F && is_norm(pattern))
      value = add_scalar(value, -format_.norm_offset, memory_);
    const std::string name = fill_mark(rule.theirs, kLayerMark, layer);
    const DType dtype = stored_dtype(param, matrices_);
    if (is_stacked(rule)) {
      unstack(name, value, dtype);
    } else if (rule.part != FusedPart::kWhole) {
      fuse(rule, name, value, dtype);
    } else {
      if (rule.transposed) value = transposed_f32(value, memory_);
      stored_.push_back({name, convert_tensor(value, dtype, memory_)});
    }
  }

  std::vector<NamedTensor> take() { return std::move(stored_); }

 private:
  void unstack(const std::string& pattern, const Tensor& value, DType dtype) {
    for (int64_t i = 0; i < value.dim(0); ++i) {
      const Tensor slice = value.slice(i, i + 1);
      const Shape shape =
          value.shape().rank() == 3 ? Shape{value.dim(1), value.dim(2)} : Shape{value.dim(1)};
      stored_.push_back({fill_mark(pattern, kIndexMark, std::to_string(i)),
                         convert_tensor(slice.reshaped(shape), dtype, memory_)});
    }
  }

  void fuse(const WeightRule& rule, const std::string& name, const Tensor& value, DType dtype) {
    const DType together = rule.transposed ? DType::kF32 : dtype;
    Tensor& whole = fused_[name];
    if (!whole.defined()) {
      whole = Tensor::empty(memory_, with_rows(value.shape(), fused_rows(config_, rule)), together);
    }
    put_part(config_, rule, convert_tensor(value, together, memory_), whole);
    if (!is_last_part(rule)) return;
    if (rule.transposed && whole.shape().rank() == 2) whole = transposed_f32(whole, memory_);
    stored_.push_back({name, convert_tensor(whole, dtype, memory_)});
    fused_.erase(name);
  }

  const DecoderConfig& config_;
  const WeightFormat& format_;
  Allocator& memory_;
  DType matrices_;
  RopeStyle rope_style_;
  std::vector<NamedTensor> stored_;
  std::map<std::string, Tensor> fused_;  // by stored name; parts come in our order
};

}  // namespace

int64_t fused_rows(const DecoderConfig& config, const WeightRule& rule) {
  const bool attention = rule.part != FusedPart::kGate && rule.part != FusedPart::kUp;
  return attention ? (config.heads + 2 * config.kv_heads) * config.head_dim : 2 * config.ffn_dim;
}

bool is_last_part(const WeightRule& rule) {
  return rule.part == FusedPart::kValue || rule.part == FusedPart::kUp;
}

Tensor cut_part(const DecoderConfig& config, const WeightRule& rule, const Tensor& fused,
                Allocator& memory) {
  int64_t rows = 0;
  int64_t stretches = 0;
  int64_t first = 0;
  for_part_rows(config, rule, [&](int64_t begin, int64_t end) {
    if (stretches++ == 0) first = begin;
    rows += end - begin;
  });
  if (stretches == 1) return fused.slice(first, first + rows);
  const Tensor part = Tensor::empty(memory, with_rows(fused.shape(), rows), fused.dtype());
  int64_t row = 0;
  for_part_rows(config, rule, [&](int64_t begin, int64_t end) {
    const Tensor stretch = fused.slice(begin, end);
    std::memcpy(row_at(part, row), stretch.data(), static_cast<size_t>(stretch.bytes()));
    row += end - begin;
  });
  return part;
}

void put_part(const DecoderConfig& config, const WeightRule& rule, const Tensor& part,
              const Tensor& fused) {
  int64_t row = 0;
  for_part_rows(config, rule, [&](int64_t begin, int64_t end) {
    const Tensor stretch = part.slice(row, row + end - begin);
    std::memcpy(row_at(fused, begin), stretch.data(), static_cast<size_t>(stretch.bytes()));
    row += end - begin;
  });
}

Tensor reorder_heads(const Tensor& tensor, int64_t head_dim, RopeStyle from, Allocator& memory) {
  const Tensor result = Tensor::empty(memory, tensor.shape(), tensor.dtype());
  const int64_t rows = tensor.dim(0);
  const int64_t half = head_dim / 2;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row / head_dim * head_dim;
    const int64_t within = row % head_dim;
    const int64_t halves_row =
        head + within / 2 + (within % 2) * half;  // where interleaved row `within` sits
    const int64_t source = from == RopeStyle::kHalves ? halves_row : row;
    const int64_t target = from == RopeStyle::kHalves ? row : halves_row;
    std::memcpy(row_at(result, target), row_at(tensor, source),
                static_cast<size_t>(tensor.bytes() / rows));
  }
  return result;
}

void load_weights(Decoder& decoder, const WeightFormat& format, FindTensor find, Allocator& memory,
                  std::optional<DType> matrices, const std::string& where) {
  Loader loader(decoder.config(), format, find, memory, where);
  decoder.visit([&](Param& param) {
    const bool vector = param.kind == ParamKind::kVector;
    const DType stacked = vector     ? DType::kF32
                          : matrices ? *matrices
                                     : stored_format(decoder.config(), format, find, param.name);
    param.value = loader.load(param, stacked);
    if (vector) {
      param.value = convert_tensor(param.value, DType::kF32, memory);
      if (format.norm_offset != 0.0F && is_norm(param.name))
        param.value = add_scalar(param.value, format.norm_offset, memory);
    } else if (matrices) {
      param.value = convert_tensor(param.value, *matrices, memory);
    }
  });
}

std::vector<NamedTensor> store_weights(Decoder& decoder, const WeightFormat& format,
                                       Allocator& memory, DType matrices, RopeStyle rope_style) {
  Storer storer(decoder.config(), format, memory, matrices, rope_style);
  decoder.visit([&](Param& param) { storer.store(param); });
  return storer.take();
}

DType stored_dtype(const Param& param, DType matrices) {
  if (param.kind == ParamKind::kVector || contains(param.name, "router.")) return DType::kF32;
  return param.shape.dim(-1) % dtype_info(matrices).block_size == 0 ? matrices : DType::kF16;
}

std::string stored_name(const WeightNames& names, const DecoderConfig& config,
                        const std::string& ours) {
  return find_place(names, config, ours).name;
}

StoredPlace find_place(const WeightNames& names, const DecoderConfig& config,
                       const std::string& ours) {
  const auto [pattern, layer] = split_layer(ours);
  const std::vector<const WeightRule*> rules = names.find(pattern, config);
  if (rules.empty()) return {};
  return {rules.front(), fill_mark(rules.front()->theirs, kLayerMark, layer)};
}

}  // namespace onmal
