#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/rng.h"
#include "models/encoder_model.h"
#include "models/language_model.h"
#include "nn/linear_layer.h"

namespace onmal {

// A low-rank change of some of a model's linear maps as data; see nn/low_rank.h.
struct AdapterConfig {
  int64_t rank = 8;
  double alpha = 16.0;
  bool rank_stabilized = false;  // alpha / sqrt(rank), else alpha / rank (Kalajdzievski, 2023)
  bool dora = false;             // with magnitudes
  // Which maps of each layer: query, key, value, output, gate, up, down.
  std::vector<std::string> targets = {"query", "key", "value", "output", "gate", "up", "down"};

  double scale() const;
  // Throws Error(kInvalidArgument) naming `where`: an unknown target, a rank below 1.
  void validate(const std::string& where) const;
};

// "query" of "layers.3.query.weight".
std::string layer_role(const LinearLayer& layer);

// Attaches a fresh adapter to every target that the model has: A uniform within 1 / sqrt(in), B
// zero, magnitudes the lengths of the rows; f32 from `memory`. Throws Error(kInvalidArgument) when
// the model has none of the targets.
void attach_adapter(VisitLinears visit, const AdapterConfig& config, Allocator& memory, Rng& rng,
                    const std::string& where);
// Shows the weights of the adapter attached last.
void visit_adapter(VisitLinears visit, ParamVisitor visitor);
// Switches all adapters on or off: off, the base model answers.
void switch_adapters(VisitLinears visit, bool active);
// Makes the changes part of the weights, which become f32 in `memory`.
void merge_adapters(VisitLinears visit, Allocator& memory);

// Throws Error(kUnsupported) where the model's files have no place for a changed map: its adapter
// could not be saved.
void require_adapter_names(LanguageModel& model, const std::string& where);

// What stands in an adapter's folder beside its maps: weights that were trained whole, under PEFT's
// names ("base_model.model.score.weight").
struct AdapterExtras {
  std::string task_type = "CAUSAL_LM";
  std::vector<std::string> modules_to_save = {};
  std::vector<NamedTensor> tensors = {};
  std::shared_ptr<void> backing = {};  // what tensors that were read point into
};

// Writes PEFT's adapter_config.json and adapter_model.safetensors. `base` says which model it
// belongs to.
void save_peft_adapter(LanguageModel& model, const AdapterConfig& config,
                       const std::filesystem::path& folder, const std::string& base,
                       const AdapterExtras* extras = nullptr);
// The same of an encoder. Throws Error(kUnsupported) for a family that cannot be written.
void save_encoder_adapter(EncoderModel& model, const AdapterConfig& config,
                          const std::filesystem::path& folder, const std::string& base,
                          const AdapterExtras& extras);
// Writes llama.cpp's GGUF adapter. Throws Error(kUnsupported) for DoRA, which it does not know.
void save_gguf_adapter(LanguageModel& model, const AdapterConfig& config,
                       const std::filesystem::path& file);

// Attaches an adapter that was trained before: a folder of PEFT's, its adapter_model.safetensors,
// or a GGUF file; its changes weigh `weight` times as much. Throws Error(kInvalidArgument) naming
// the tensor when it was made for another model, Error(kUnsupported) for what is no LoRA.
// With `extras`, weights trained whole are given there; without, they are Error(kUnsupported).
AdapterConfig load_adapter(LanguageModel& model, const std::filesystem::path& path,
                           double weight = 1.0, AdapterExtras* extras = nullptr);
// The same for an encoder; PEFT's folder alone.
AdapterConfig load_encoder_adapter(EncoderModel& model, const std::filesystem::path& path,
                                   AdapterExtras& extras);

}  // namespace onmal
