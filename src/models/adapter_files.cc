#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "formats/gguf.h"
#include "formats/json_metadata.h"
#include "formats/safetensors.h"
#include "models/adapter.h"
#include "models/base_sample.h"
#include "models/encoder_weights.h"
#include "models/stored_changes.h"
#include "models/weight_io.h"

// Adapters in PEFT's folders and in llama.cpp's GGUF files.
namespace onmal {
namespace {

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";
// Beside "format" in the safetensors header, and among GGUF's keys: other readers pass it over.
constexpr const char* kSampleKey = "onmal_base_sample";
constexpr std::string_view kPeftPrefix = "base_model.model.";

const Architecture& architecture_of(const LanguageModel& model, const std::string& where) {
  return find_architecture(model.decoder->config().architecture, where);
}

std::string without_weight(const std::string& name) {
  constexpr std::string_view kEnding = ".weight";
  return name.ends_with(kEnding) ? name.substr(0, name.size() - kEnding.size()) : name;
}

// An adapter file, whichever its format.
struct AdapterFile {
  AdapterConfig config;
  std::unique_ptr<SafetensorsFile> peft;
  std::unique_ptr<GgufFile> gguf;
  std::string where;
  std::map<std::string, double> alphas;  // of maps whose names end so, instead of config.alpha

  // The scaling of a change of this rank.
  AdapterConfig config_of(const std::string& stem, int64_t rank) const {
    AdapterConfig own = config;
    own.rank = rank;
    for (const auto& [ending, alpha] : alphas) {
      const size_t begin = stem.size() - std::min(stem.size(), ending.size());
      const bool whole_names = begin == 0 || stem[begin - 1] == '.';
      if (stem.ends_with(ending) && whole_names) own.alpha = alpha;
    }
    return own;
  }
  Tensor find(const std::string& name) const {
    return peft != nullptr ? peft->find(name) : gguf->find(name);
  }
  std::span<const TensorEntry> entries() const {
    return peft != nullptr ? peft->entries() : gguf->entries();
  }
  // "" in files of other programs.
  std::string base_sample() const {
    return (peft != nullptr ? peft->metadata() : gguf->metadata()).get_string(kSampleKey, "");
  }
};

void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kUnsupported, where, what, "only LoRA, rsLoRA and DoRA are read");
}

AdapterConfig read_peft_config(const Metadata& metadata, bool whole_modules) {
  const std::string where = metadata.where();
  const std::string type = metadata.get_string("peft_type", "");
  if (type != "LORA") refuse(where, "peft_type is '" + type + "'");
  if (metadata.get_string("bias", "none") != "none") refuse(where, "it changes biases");
  for (const auto& [key, value] : metadata.items()) {
    if (key.starts_with("trainable_token_indices.")) refuse(where, "it has a " + key);
  }
  const bool whole =
      metadata.contains("modules_to_save") && !metadata.get_strings("modules_to_save").empty();
  if (whole && !whole_modules) refuse(where, "it replaces whole modules (modules_to_save)");
  AdapterConfig config;
  config.rank = metadata.get_int("r");
  config.alpha = metadata.get_float("lora_alpha");
  config.rank_stabilized = metadata.get_bool("use_rslora", false);
  config.dora = metadata.get_bool("use_dora", false);
  return config;
}

// PEFT's alpha_pattern, {"the end of a map's name": alpha}. Its keys may be regular expressions:
// names alone are read. (rank_pattern says what the tensors say.)
std::map<std::string, double> read_alphas(const Metadata& metadata) {
  constexpr std::string_view kKey = "alpha_pattern.";
  std::map<std::string, double> alphas;
  for (const auto& [key, value] : metadata.items()) {
    if (!key.starts_with(kKey)) continue;
    const std::string ending = key.substr(kKey.size());
    if (ending.find_first_of("^$*+?()[]{}|\\") != std::string::npos)
      refuse(metadata.where(), "its alpha_pattern '" + ending + "' is a regular expression");
    alphas[ending] = metadata.get_float(key);
  }
  return alphas;
}

AdapterFile open_adapter(const LanguageModel& model, const std::filesystem::path& path,
                         bool whole_modules) {
  namespace fs = std::filesystem;
  if (!fs::exists(path))
    throw Error(ErrorCode::kIo, path.string(), "there is no such file or folder", "check the path");
  AdapterFile file;
  file.where = path.string();
  if (fs::is_directory(path) || path.extension() == ".safetensors") {
    const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
    const Metadata metadata = read_json_metadata(folder / kConfigName);
    file.config = read_peft_config(metadata, whole_modules);
    file.alphas = read_alphas(metadata);
    file.peft =
        std::make_unique<SafetensorsFile>(fs::is_directory(path) ? path / kWeightsName : path);
    return file;
  }
  file.gguf = std::make_unique<GgufFile>(path);
  const Metadata& metadata = file.gguf->metadata();
  if (metadata.get_string("general.type", "model") != "adapter") {
    throw Error(ErrorCode::kInvalidArgument, file.where, "is a model and no adapter",
                "give it as --model");
  }
  if (metadata.get_string("adapter.type", "") != "lora")
    refuse(file.where, "adapter.type is '" + metadata.get_string("adapter.type", "") + "'");
  const std::string made_for = metadata.get_string("general.architecture", "");
  const std::string here(architecture_of(model, file.where).gguf_name);
  if (made_for != here) {
    throw Error(ErrorCode::kInvalidArgument, file.where,
                "was made for a '" + made_for + "' model, this one is '" + here + "'",
                "use the base model it was trained on");
  }
  file.config.alpha = metadata.get_float("adapter.lora.alpha");
  file.config.rank = 0;  // by its tensors
  return file;
}

// What a file holds beside its maps: weights trained whole go to `extras` where they are wanted;
// anything else was made for another model.
void take_unused(std::span<const TensorEntry> entries, const std::set<std::string>& used,
                 FunctionRef<Tensor(const std::string& name)> find, const std::string& where,
                 AdapterExtras* extras) {
  for (const TensorEntry& entry : entries) {
    if (used.contains(entry.name)) continue;
    if (extras == nullptr || entry.name.find(".lora_") != std::string::npos) {
      throw Error(ErrorCode::kInvalidArgument, where,
                  "the tensor '" + entry.name + "' has no place in this model",
                  "use the base model it was trained on");
    }
    extras->tensors.push_back({entry.name, find(entry.name)});
  }
}

// Takes one map's share of the file, when it has one. Notes the names that were used.
class Attacher {
 public:
  Attacher(LanguageModel& model, const AdapterFile& file, double weight)
      : model_(model),
        file_(file),
        weight_(weight),
        architecture_(architecture_of(model, file.where)) {}

  void attach(LinearLayer& layer) {
    const bool peft = file_.peft != nullptr;
    const WeightNames names =
        peft ? architecture_.hugging_face_names() : architecture_.gguf_names();
    const StoredPlace place = find_place(names, model_.decoder->config(), layer.weight.name);
    if (place.rule == nullptr) return;
    const std::string stem =
        peft ? std::string(kPeftPrefix) + without_weight(place.name) : place.name;
    const std::string suffix = peft ? ".weight" : "";
    const Tensor down = take(stem + (peft ? ".lora_A" : ".lora_a") + suffix);
    const Tensor up = take(stem + (peft ? ".lora_B" : ".lora_b") + suffix);
    if (!down.defined() && !up.defined()) return;
    check_shapes(layer, place, stem, down, up);
    const AdapterConfig config = file_.config_of(stem, down.dim(0));
    const std::string& name = layer.weight.name;
    LowRank change(name.substr(0, name.rfind('.')), down.dim(1), layer.weight.shape.dim(0),
                   config.rank, static_cast<float>(weight_ * config.scale()), config.dora);
    const RopeStyle ours = model_.decoder->config().rope_style;
    const RopeStyle theirs = peft ? RopeStyle::kHalves : architecture_.gguf_rope_style;
    const auto own = [&](const Tensor& tensor, bool rows) {
      HeapAllocator scratch;
      Tensor plain = convert_tensor(tensor, DType::kF32, scratch);
      if (rows && place.is_part())
        plain = cut_part(model_.decoder->config(), *place.rule, plain, scratch);
      const Tensor ordered = rows ? order_rows(model_, layer, plain, theirs, ours, scratch) : plain;
      const Tensor copy = Tensor::empty(*model_.memory, ordered.shape());
      std::copy_n(ordered.f32(), copy.elements(), copy.f32());
      return copy;
    };
    change.down.value = own(down, false);
    change.up.value = own(up, true);
    if (config.dora) {
      const Tensor magnitude = take_magnitude(stem, stored_rows(layer, place));
      change.magnitude.value = own(magnitude.reshaped(Shape{magnitude.elements(), 1}), true)
                                   .reshaped(change.magnitude.shape);
    }
    layer.changes.push_back(std::move(change));
  }

  // Whatever the file holds beyond that was made for another model, or was trained whole.
  void check_all_used(AdapterExtras* extras) const {
    const auto find = [&](const std::string& name) { return file_.find(name); };
    take_unused(file_.entries(), used_, find, file_.where, extras);
    if (!used_.empty()) return;
    throw Error(ErrorCode::kBadFile, file_.where, "holds no tensors of an adapter");
  }

 private:
  Tensor take(const std::string& name) {
    const Tensor tensor = file_.find(name);
    if (tensor.defined()) used_.insert(name);
    return tensor;
  }

  // Outputs of the stored tensor that this map is, or is a part of.
  int64_t stored_rows(const LinearLayer& layer, const StoredPlace& place) const {
    return place.is_part() ? fused_rows(model_.decoder->config(), *place.rule)
                           : layer.weight.shape.dim(0);
  }

  Tensor take_magnitude(const std::string& stem, int64_t rows) {
    Tensor tensor = take(stem + ".lora_magnitude_vector");
    if (!tensor.defined()) tensor = take(stem + ".lora_magnitude_vector.weight");
    if (tensor.defined() && tensor.elements() == rows) return tensor;
    throw Error(ErrorCode::kBadFile, file_.where,
                "'" + stem + ".lora_magnitude_vector' is missing or misshapen");
  }

  void check_shapes(const LinearLayer& layer, const StoredPlace& place, const std::string& stem,
                    const Tensor& down, const Tensor& up) const {
    const Shape wanted{stored_rows(layer, place), layer.weight.shape.dim(1)};
    if (!down.defined() || !up.defined())
      throw Error(ErrorCode::kBadFile, file_.where, "'" + stem + "' has one half of a change only");
    const bool right = down.shape().rank() == 2 && up.shape().rank() == 2 &&
                       down.dim(0) == up.dim(1) && down.dim(0) > 0;
    if (!right) {
      throw Error(ErrorCode::kBadFile, file_.where,
                  "'" + stem + "' has shapes " + down.shape().to_string() + " and " +
                      up.shape().to_string() + ", which do not go together");
    }
    if (down.dim(1) == wanted.dim(1) && up.dim(0) == wanted.dim(0)) return;
    throw Error(ErrorCode::kInvalidArgument, file_.where,
                "'" + stem + "' changes a map of " + std::to_string(down.dim(1)) + " to " +
                    std::to_string(up.dim(0)) + " values, the model's is one of " +
                    std::to_string(wanted.dim(1)) + " to " + std::to_string(wanted.dim(0)),
                "use the base model it was trained on");
  }

  LanguageModel& model_;
  const AdapterFile& file_;
  double weight_;
  const Architecture& architecture_;
  std::set<std::string> used_;
};

void freeze_factors(Exec& exec, LowRank& change, const LinearLayer& layer, Allocator& memory) {
  change.freeze(exec, layer.weight.value);
  const Tensor own = Tensor::empty(memory, change.frozen_factors.shape());
  std::copy_n(change.frozen_factors.f32(), own.elements(), own.f32());
  change.frozen_factors = own;
}

}  // namespace

AdapterConfig load_adapter(LanguageModel& model, const std::filesystem::path& path, double weight,
                           AdapterExtras* extras) {
  const auto opened = std::make_shared<AdapterFile>(open_adapter(model, path, extras != nullptr));
  const AdapterFile& file = *opened;
  if (extras != nullptr) extras->backing = opened;
  ThreadPool pool(1);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  Attacher attacher(model, file, weight);
  model.decoder->visit_linears([&](LinearLayer& layer) {
    const size_t before = layer.changes.size();
    attacher.attach(layer);
    if (layer.changes.size() == before || !layer.changes.back().has_magnitudes()) return;
    freeze_factors(exec, layer.changes.back(), layer, *model.memory);
  });
  attacher.check_all_used(extras);
  if (const std::string sample = file.base_sample(); !sample.empty())
    check_base(model, sample, file.where);
  return file.config;
}

void require_adapter_names(LanguageModel& model, const std::string& where) {
  const WeightNames names = architecture_of(model, where).hugging_face_names();
  const DecoderConfig& config = model.decoder->config();
  model.decoder->visit_linears([&](LinearLayer& layer) {
    if (!layer.changes.empty())
      require_place(find_place(names, config, layer.weight.name), config, layer, where);
  });
}

namespace {

// The changed maps by the ends of their names.
struct PeftModules {
  std::set<std::string> names = {};
  std::map<std::string, int64_t> ranks = {};  // where another than the adapter's
  bool transposed = false;                    // stored [in, out]
};

// PEFT's two files.
void write_peft_files(const AdapterConfig& config, const std::filesystem::path& folder,
                      const std::string& base, const PeftModules& modules,
                      std::vector<NamedTensor> tensors, const std::string& sample,
                      const AdapterExtras* extras) {
  Metadata metadata(folder.string());
  metadata.set("base_model_name_or_path", base);
  metadata.set("bias", std::string("none"));
  metadata.set("fan_in_fan_out", modules.transposed);
  metadata.set("inference_mode", true);
  metadata.set("init_lora_weights", true);
  metadata.set("lora_alpha", config.alpha);
  metadata.set("lora_dropout", 0.0);
  if (extras != nullptr) {
    metadata.set("modules_to_save", extras->modules_to_save);
    tensors.insert(tensors.end(), extras->tensors.begin(), extras->tensors.end());
  }
  metadata.set("peft_type", std::string("LORA"));
  metadata.set("r", config.rank);
  for (const auto& [name, rank] : modules.ranks) {
    const auto r = static_cast<double>(rank);
    metadata.set("rank_pattern." + name, rank);
    metadata.set("alpha_pattern." + name,
                 config.scale() * (config.rank_stabilized ? std::sqrt(r) : r));
  }
  metadata.set("target_modules",
               std::vector<std::string>(modules.names.begin(), modules.names.end()));
  metadata.set("task_type", extras != nullptr ? extras->task_type : std::string("CAUSAL_LM"));
  metadata.set("use_dora", config.dora);
  metadata.set("use_rslora", config.rank_stabilized);
  std::filesystem::create_directories(folder);
  write_file(folder / kConfigName, write_json_metadata(metadata));
  Metadata format;
  format.set("format", std::string("pt"));
  if (!sample.empty()) format.set(kSampleKey, sample);
  write_safetensors(folder / kWeightsName, tensors, format);
}

// The name of an encoder's map in its task models' files, without ".weight".
std::string encoder_stem(const EncoderModel& model, const LinearLayer& layer,
                         const std::string& where) {
  const EncoderConfig& config = model.encoder->config();
  const EncoderFamily* family = find_encoder_family_gguf(config.architecture);
  if (family == nullptr || family->hugging_face_prefix == nullptr) {
    throw Error(ErrorCode::kUnsupported, where,
                "adapters of '" + config.architecture + "' encoders cannot be written yet",
                "tune one of the families bert or roberta");
  }
  HeapAllocator memory;
  Param named;
  named.name = layer.weight.name;
  named.shape = Shape{1, 1};
  named.kind = ParamKind::kMatrix;
  named.value = Tensor::zeros(memory, named.shape);
  const std::vector<NamedTensor> stored =
      store_params([&](ParamVisitor visitor) { visitor(named); }, family->hugging_face_rules,
                   [](std::string_view) { return true; }, memory, DType::kF32, where);
  return std::string(kPeftPrefix) + family->hugging_face_prefix(config) +
         without_weight(stored.at(0).name);
}

}  // namespace

void save_encoder_adapter(EncoderModel& model, const AdapterConfig& config,
                          const std::filesystem::path& folder, const std::string& base,
                          const AdapterExtras& extras) {
  std::vector<NamedTensor> tensors;
  PeftModules modules;
  model.encoder->visit_linears([&](LinearLayer& layer) {
    if (layer.changes.empty()) return;
    const LowRank& change = layer.changes.back();
    const std::string stem = encoder_stem(model, layer, folder.string());
    // "attention.output.dense" and "intermediate.dense" share their last name: PEFT matches ends.
    modules.names.insert(stem.substr(stem.find('.', stem.find("layer.") + 6) + 1));
    tensors.push_back({stem + ".lora_A.weight", change.down.value});
    tensors.push_back({stem + ".lora_B.weight", change.up.value});
    if (change.has_magnitudes())
      tensors.push_back({stem + ".lora_magnitude_vector", change.magnitude.value});
  });
  write_peft_files(config, folder, base, modules, std::move(tensors), sample_base(model), &extras);
}

AdapterConfig load_encoder_adapter(EncoderModel& model, const std::filesystem::path& path,
                                   AdapterExtras& extras) {
  const Metadata metadata = read_json_metadata(path / kConfigName);
  const AdapterConfig config = read_peft_config(metadata, true);
  for (const auto& [key, value] : metadata.items())
    for (const char* pattern : {"rank_pattern.", "alpha_pattern."})
      if (key.starts_with(pattern)) refuse(metadata.where(), "it has a " + key);
  const auto file = std::make_shared<SafetensorsFile>(path / kWeightsName);
  extras.backing = file;
  std::set<std::string> used;
  ThreadPool pool(1);
  const Backend backend = make_cpu_backend();
  CachingAllocator scratch;
  Exec exec{&pool, &scratch, &backend};
  model.encoder->visit_linears([&](LinearLayer& layer) {
    const std::string stem = encoder_stem(model, layer, path.string());
    const auto take = [&](const std::string& ending, const Shape& shape) {
      const Tensor tensor = file->find(stem + ending);
      if (!tensor.defined()) return tensor;
      used.insert(stem + ending);
      if (tensor.elements() != shape.elements()) {
        throw Error(ErrorCode::kInvalidArgument, path.string(),
                    "'" + stem + ending + "' has the shape " + tensor.shape().to_string() +
                        ", the model wants " + shape.to_string(),
                    "use the base model it was trained on");
      }
      const Tensor plain = convert_tensor(tensor, DType::kF32, scratch);
      const Tensor own = Tensor::empty(*model.memory, shape);
      std::copy_n(plain.f32(), own.elements(), own.f32());
      return own;
    };
    const Shape& wanted = layer.weight.shape;
    LowRank change(without_weight(layer.weight.name), wanted.dim(1), wanted.dim(0), config.rank,
                   static_cast<float>(config.scale()), config.dora);
    change.down.value = take(".lora_A.weight", change.down.shape);
    change.up.value = take(".lora_B.weight", change.up.shape);
    if (!change.down.value.defined() && !change.up.value.defined()) return;
    if (config.dora)
      change.magnitude.value = take(".lora_magnitude_vector", change.magnitude.shape);
    if (!change.down.value.defined() || !change.up.value.defined() ||
        (config.dora && !change.magnitude.value.defined()))
      throw Error(ErrorCode::kBadFile, path.string(), "'" + stem + "' lacks a part of its change");
    if (config.dora) freeze_factors(exec, change, layer, *model.memory);
    layer.changes.push_back(std::move(change));
  });
  const auto find = [&](const std::string& name) { return file->find(name); };
  take_unused(file->entries(), used, find, path.string(), &extras);
  if (const std::string sample = file->metadata().get_string(kSampleKey, ""); !sample.empty())
    check_base(model, sample, path.string());
  return config;
}

void save_peft_adapter(LanguageModel& model, const AdapterConfig& config,
                       const std::filesystem::path& folder, const std::string& base,
                       const AdapterExtras* extras) {
  const WeightNames names = architecture_of(model, folder.string()).hugging_face_names();
  HeapAllocator memory;
  std::vector<NamedTensor> tensors;
  PeftModules modules;
  for (const StoredChange& change :
       store_changes(model, names, RopeStyle::kHalves, folder.string(), memory)) {
    const std::string name = without_weight(change.name);
    const std::string module = name.substr(name.rfind('.') + 1);
    modules.names.insert(module);
    modules.transposed = modules.transposed || change.transposed;
    if (change.down.dim(0) != config.rank) modules.ranks[module] = change.down.dim(0);
    const std::string stem = std::string(kPeftPrefix) + name;
    tensors.push_back({stem + ".lora_A.weight", change.down});
    tensors.push_back({stem + ".lora_B.weight", change.up});
    if (change.magnitude.defined())
      tensors.push_back({stem + ".lora_magnitude_vector", change.magnitude});
  }
  write_peft_files(config, folder, base, modules, std::move(tensors), sample_base(model), extras);
}

void save_gguf_adapter(LanguageModel& model, const AdapterConfig& config,
                       const std::filesystem::path& file) {
  if (config.dora) {
    throw Error(ErrorCode::kUnsupported, file.string(), "GGUF adapters know no DoRA",
                "merge it: onmal convert --adapter");
  }
  const Architecture& architecture = architecture_of(model, file.string());
  const WeightNames names = architecture.gguf_names();
  HeapAllocator memory;
  std::vector<NamedTensor> tensors;
  for (const StoredChange& change :
       store_changes(model, names, architecture.gguf_rope_style, file.string(), memory)) {
    // Readers divide alpha by each tensor's own rank.
    const auto factor = static_cast<float>(change.down.dim(0)) / static_cast<float>(config.rank);
    const Tensor up = Tensor::empty(memory, change.up.shape());
    std::transform(change.up.f32(), change.up.f32() + up.elements(), up.f32(),
                   [factor](float value) { return factor * value; });
    tensors.push_back({change.name + ".lora_a", change.down});
    tensors.push_back({change.name + ".lora_b", up});
  }
  Metadata metadata(file.string());
  metadata.set("general.architecture", std::string(architecture.gguf_name));
  metadata.set("general.type", std::string("adapter"));
  metadata.set("adapter.type", std::string("lora"));
  // Readers divide by the rank, whatever scaled the training.
  metadata.set("adapter.lora.alpha", config.scale() * static_cast<double>(config.rank));
  metadata.set("general.name", file.stem().string());
  metadata.set(kSampleKey, sample_base(model));
  write_gguf(file, metadata, tensors);
}

}  // namespace onmal
