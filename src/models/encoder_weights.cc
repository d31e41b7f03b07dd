#include "models/encoder_weights.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "models/bert.h"
#include "models/jina_bert.h"
#include "models/nomic_bert.h"
#include "models/t5.h"

namespace onmal {
namespace {

// The registry: one line a family. Jina's config.json says "bert" too, so it comes first.
constexpr std::array kEncoderFamilies = {&kJinaBertFamily, &kBertFamily, &kNomicBertFamily,
                                         &kT5EncoderFamily};

struct NamePattern {
  std::string text;   // with "{}" for the layer
  std::string layer;  // "" without one
};

// "encoder.layers.12.query.weight" -> {"encoder.layers.{}.query.weight", "12"}.
NamePattern pattern_of(const std::string& name) {
  constexpr std::string_view kMark = "layers.";
  const size_t mark = name.find(kMark);
  if (mark == std::string::npos) return {name, ""};
  const size_t begin = mark + kMark.size();
  const size_t end = name.find('.', begin);
  return {name.substr(0, begin) + "{}" + name.substr(end), name.substr(begin, end - begin)};
}

std::string fill_layer(std::string_view pattern, const std::string& layer) {
  const size_t mark = pattern.find("{}");
  if (mark == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(0, mark)) + layer + std::string(pattern.substr(mark + 2));
}

// The share of a stored tensor that a rule names, in the shape we expect; undefined if it does not
// fit.
Tensor share_of(const EncoderRule& rule, const Tensor& stored, const Shape& expected) {
  Tensor tensor = stored;
  if (rule.parts > 1) {
    const int64_t rows = expected.dim(0);
    if (tensor.shape().rank() != expected.rank() || tensor.dim(0) != rows * rule.parts) return {};
    tensor = tensor.slice(rule.part * rows, (rule.part + 1) * rows);
  }
  // [1, n] for a vector of n (Marian's bias of the logits).
  if (expected.rank() == 1 && tensor.elements() == expected.dim(0) &&
      tensor.dim(-1) == expected.dim(0))
    tensor = tensor.reshaped(expected);
  return tensor.shape() == expected ? tensor : Tensor();
}

Tensor find_weight(const Param& param, std::span<const EncoderRule> rules, FindTensor find,
                   const std::string& where) {
  const NamePattern pattern = pattern_of(param.name);
  std::string tried;
  std::string misshapen;
  for (const EncoderRule& rule : rules) {
    if (rule.ours != pattern.text && rule.ours != "encoder." + pattern.text) continue;
    const std::string name = fill_layer(rule.theirs, pattern.layer);
    const Tensor stored = find(name);
    if (!stored.defined()) {
      tried += (tried.empty() ? "'" : ", '") + name + "'";
      continue;
    }
    if (const Tensor share = share_of(rule, stored, param.shape); share.defined()) return share;
    misshapen = "'" + name + "' has shape " + stored.shape().to_string() +
                ", the configuration asks for " + param.shape.to_string();
  }
  if (!misshapen.empty()) {
    throw Error(ErrorCode::kBadFile, where, misshapen,
                "the weights and the configuration do not belong together");
  }
  throw Error(ErrorCode::kBadFile, where,
              tried.empty() ? "this format has no place for the weight '" + param.name + "'"
                            : "a tensor is missing: " + tried,
              "the file is incomplete or of another architecture");
}

// Writes the rows of a share into the tensor that holds all of them.
void put_share(const EncoderRule& rule, const std::string& name, const Tensor& share,
               Allocator& memory, std::vector<NamedTensor>& stored) {
  auto place = std::find_if(stored.begin(), stored.end(),
                            [&](const NamedTensor& tensor) { return tensor.name == name; });
  if (place == stored.end()) {
    const int64_t rows = share.dim(0) * rule.parts;
    const Shape shape = share.shape().rank() == 1 ? Shape{rows} : Shape{rows, share.dim(1)};
    stored.push_back({name, Tensor::empty(memory, shape, share.dtype())});
    place = std::prev(stored.end());
  }
  std::memcpy(place->tensor.data_as<std::byte>() + rule.part * share.bytes(), share.data(),
              static_cast<size_t>(share.bytes()));
}

}  // namespace

const EncoderFamily* find_encoder_family_gguf(std::string_view architecture) {
  for (const EncoderFamily* family : kEncoderFamilies) {
    if (!family->gguf_name.empty() && family->gguf_name == architecture) return family;
  }
  return nullptr;
}

const EncoderFamily* find_encoder_family_hugging_face(const Metadata& config) {
  for (const EncoderFamily* family : kEncoderFamilies) {
    if (family->is_hugging_face(config)) return family;
  }
  return nullptr;
}

std::string known_encoder_families() {
  std::string known;
  for (const EncoderFamily* family : kEncoderFamilies)
    known += (known.empty() ? "" : ", ") + std::string(family->gguf_name);
  return known;
}

void load_params(FunctionRef<void(ParamVisitor)> visit, std::span<const EncoderRule> rules,
                 FindTensor find, Allocator& memory, std::optional<DType> matrices,
                 const std::string& where) {
  visit([&](Param& param) {
    const Tensor tensor = find_weight(param, rules, find, where);
    if (param.kind == ParamKind::kVector) {
      param.value = convert_tensor(tensor, DType::kF32, memory);
    } else {
      param.value = matrices ? convert_tensor(tensor, *matrices, memory) : tensor;
    }
  });
}

std::vector<NamedTensor> store_params(FunctionRef<void(ParamVisitor)> visit,
                                      std::span<const EncoderRule> rules,
                                      FunctionRef<bool(std::string_view theirs)> accept,
                                      Allocator& memory, DType matrices, const std::string& where) {
  return store_params_as(
      visit, rules, [&](const EncoderRule& rule) { return rule.parts == 1 && accept(rule.theirs); },
      memory,
      [&](const Param& param) { return param.kind == ParamKind::kVector ? DType::kF32 : matrices; },
      where);
}

DType encoder_gguf_dtype(const Param& param, DType matrices) {
  for (const char* table : {"position_embedding.", "type_embedding.", "relative_bias."}) {
    if (param.name.find(table) != std::string::npos) return DType::kF32;
  }
  return stored_dtype(param, matrices);
}

std::vector<NamedTensor> store_params_as(FunctionRef<void(ParamVisitor)> visit,
                                         std::span<const EncoderRule> rules,
                                         FunctionRef<bool(const EncoderRule& rule)> accept,
                                         Allocator& memory,
                                         FunctionRef<DType(const Param& param)> dtype_of,
                                         const std::string& where) {
  std::vector<NamedTensor> stored;
  visit([&](Param& param) {
    const NamePattern pattern = pattern_of(param.name);
    for (const EncoderRule& rule : rules) {
      if (!accept(rule)) continue;
      if (rule.ours != pattern.text && rule.ours != "encoder." + pattern.text) continue;
      const std::string name = fill_layer(rule.theirs, pattern.layer);
      const Tensor tensor = convert_tensor(param.value, dtype_of(param), memory);
      if (rule.parts == 1) {
        stored.push_back({name, tensor});
      } else {
        put_share(rule, name, tensor, memory, stored);
      }
      return;
    }
    throw Error(ErrorCode::kUnsupported, where,
                "this format has no place for the weight '" + param.name + "'");
  });
  return stored;
}

Tensor find_with_prefix(FindTensor find, const std::string& name) {
  for (const char* prefix : {"", "bert.", "roberta.", "model.", "transformer."}) {
    if (const Tensor tensor = find(prefix + name); tensor.defined()) return tensor;
  }
  for (const auto& [today, before] :
       {std::pair<std::string, std::string>("LayerNorm.weight", "LayerNorm.gamma"),
        {"LayerNorm.bias", "LayerNorm.beta"}}) {
    if (name.size() > today.size() && name.ends_with(today))
      return find_with_prefix(find, name.substr(0, name.size() - today.size()) + before);
  }
  return {};
}

}  // namespace onmal
