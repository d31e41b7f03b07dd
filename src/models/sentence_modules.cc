#include "models/sentence_modules.h"

#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "formats/json_metadata.h"
#include "formats/safetensors.h"
#include "models/weight_io.h"

namespace onmal {
namespace {

constexpr const char* kModules = "modules.json";
constexpr uint64_t kMostBytes = uint64_t{1} << 20;

struct Module {
  std::string kind;  // the last part of its Python type: "Transformer", "Pooling"…
  std::filesystem::path folder;
};

// A name inside the model's folder, which may not lead out of it.
std::filesystem::path inner_path(const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path inner = std::filesystem::path(name).lexically_normal();
  if (inner.is_absolute() || (!inner.empty() && *inner.begin() == "..")) {
    throw Error(ErrorCode::kBadFile, (folder / kModules).string(),
                "the path '" + name + "' leads out of the folder");
  }
  return name.empty() ? folder : folder / inner;
}

std::vector<Module> read_modules(const std::filesystem::path& folder) {
  std::vector<Module> modules;
  const std::filesystem::path path = folder / kModules;
  if (!std::filesystem::exists(path)) return modules;
  // The file is a list; our metadata are an object.
  const Metadata list =
      parse_json_metadata("{\"modules\":" + read_file(path, kMostBytes) + "}", path.string());
  for (int i = 0;; ++i) {
    const std::string element = "modules[" + std::to_string(i) + "].";
    if (!list.contains(element + "type")) return modules;
    const std::string type = list.get_string(element + "type");
    modules.push_back({type.substr(type.rfind('.') + 1),
                       inner_path(folder, list.get_string(element + "path", ""))});
  }
}

Pooling read_pooling(const std::filesystem::path& folder) {
  const Metadata config = read_json_metadata(folder / "config.json");
  constexpr std::pair<const char*, std::optional<Pooling>> kModes[] = {
      {"pooling_mode_cls_token", Pooling::kCls},
      {"pooling_mode_mean_tokens", Pooling::kMean},
      {"pooling_mode_lasttoken", Pooling::kLast},
      {"pooling_mode_max_tokens", std::nullopt},
      {"pooling_mode_mean_sqrt_len_tokens", std::nullopt},
      {"pooling_mode_weightedmean_tokens", std::nullopt},
  };
  std::optional<Pooling> found;
  for (const auto& [key, pooling] : kModes) {
    if (!config.get_bool(key, false)) continue;
    if (!pooling || found) {
      throw Error(
          ErrorCode::kUnsupported, config.where(),
          pooling ? "asks for several poolings at once" : "'" + std::string(key) + "' is not known",
          "known: mean, cls or last alone");
    }
    found = pooling;
  }
  if (!found)
    throw Error(ErrorCode::kBadFile, config.where(), "names no pooling", "the file is incomplete");
  return *found;
}

DenseModule read_dense(const std::filesystem::path& folder, Allocator& memory) {
  const Metadata config = read_json_metadata(folder / "config.json");
  DenseModule dense;
  const std::string function = config.get_string("activation_function", "");
  const std::string name = function.substr(function.rfind('.') + 1);
  dense.tanh = name == "Tanh";
  if (!dense.tanh && name != "Identity") {
    throw Error(ErrorCode::kUnsupported, config.where(),
                "the activation_function '" + function + "' is not known", "known: Tanh, Identity");
  }
  const std::filesystem::path path = folder / "model.safetensors";
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kUnsupported, folder.string(), "holds no model.safetensors",
                "convert its pytorch_model.bin to safetensors");
  }
  const SafetensorsFile file(path);
  const auto copy = [&](const Tensor& stored) {
    const Tensor f32 = convert_tensor(stored, DType::kF32, memory);
    const Tensor own = Tensor::empty(memory, f32.shape());
    std::copy_n(f32.f32(), f32.elements(), own.f32());
    return own;
  };
  dense.weight = copy(file.tensor("linear.weight"));
  if (file.find("linear.bias").defined()) dense.bias = copy(file.tensor("linear.bias"));
  const bool fits = dense.weight.shape().rank() == 2 &&
                    dense.weight.dim(0) == config.get_int("out_features") &&
                    dense.weight.dim(1) == config.get_int("in_features") &&
                    (!dense.bias.defined() || dense.bias.elements() == dense.weight.dim(0));
  if (!fits)
    throw Error(ErrorCode::kBadFile, path.string(), "its shapes are not those of config.json");
  return dense;
}

std::optional<int64_t> read_max_tokens(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "sentence_bert_config.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  const Metadata config = read_json_metadata(path);
  if (!config.contains("max_seq_length")) return std::nullopt;
  const int64_t tokens = config.get_int("max_seq_length");
  if (tokens < 1)
    throw Error(ErrorCode::kBadFile, path.string(), "max_seq_length must be positive");
  return tokens;
}

}  // namespace

std::filesystem::path transformer_folder(const std::filesystem::path& folder) {
  for (const Module& module : read_modules(folder)) {
    if (module.kind == "Transformer") return module.folder;
  }
  return folder;
}

SentenceModules read_sentence_modules(const std::filesystem::path& folder, Allocator& memory) {
  SentenceModules result;
  for (const Module& module : read_modules(folder)) {
    if (module.kind == "Transformer") {
      result.max_tokens = read_max_tokens(module.folder);
      if (!result.max_tokens) result.max_tokens = read_max_tokens(folder);
    } else if (module.kind == "Pooling") {
      result.pooling = read_pooling(module.folder);
    } else if (module.kind == "Dense") {
      result.dense.push_back(read_dense(module.folder, memory));
    } else if (module.kind != "Normalize") {
      throw Error(ErrorCode::kUnsupported, (folder / kModules).string(),
                  "the module '" + module.kind + "' is not known",
                  "known: Transformer, Pooling, Dense, Normalize");
    }
  }
  return result;
}

void write_sentence_modules(const SentenceModules& modules, int64_t dim,
                            const std::filesystem::path& folder) {
  const std::filesystem::path pooling_folder = folder / "1_Pooling";
  std::filesystem::create_directories(pooling_folder);
  Metadata pooling((pooling_folder / "config.json").string());
  pooling.set("word_embedding_dimension", dim);
  const Pooling mode = modules.pooling.value_or(Pooling::kMean);
  pooling.set("pooling_mode_cls_token", mode == Pooling::kCls);
  pooling.set("pooling_mode_mean_tokens", mode == Pooling::kMean);
  pooling.set("pooling_mode_lasttoken", mode == Pooling::kLast);
  write_file(pooling_folder / "config.json", write_json_metadata(pooling));
  if (modules.max_tokens) {
    Metadata transformer((folder / "sentence_bert_config.json").string());
    transformer.set("max_seq_length", *modules.max_tokens);
    write_file(folder / "sentence_bert_config.json", write_json_metadata(transformer));
  }
  // A list, which our metadata cannot be.
  write_file(folder / kModules,
             R"([
  {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
  {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}
]
)");
}

}  // namespace onmal
