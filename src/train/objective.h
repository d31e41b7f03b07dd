#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/exec.h"
#include "base/thread_pool.h"
#include "models/language_model.h"
#include "nn/param.h"
#include "train/recipe.h"

namespace onmal {

// The sequences of one forward pass. Which tensors are there is the objective's own business.
struct TrainBatch {
  Tensor ids, positions, first_keys, key_ends;  // i32 [B, T]
  Tensor types = {};                            // of pairs, as in TextRows
  Tensor targets;                               // i32, kIgnoredTarget where nothing is learned
  Tensor rows;                                  // i32: the hidden states that the head sees
  Tensor values;                                // f32: what is learned where it is no token
  // The first half's sequences of an encoder-decoder; the others are the second half's.
  Tensor source_ids, source_positions, source_first_keys, source_key_ends;
  Tensor source_firsts, source_ends;  // i32 [B, T]: what each token sees of them
  struct Span {
    int64_t begin, end;
  };
  std::vector<Span> spans;  // the texts in the rows, as in TextRows
  int64_t counted = 0;      // what the loss is a mean over
  int64_t tokens = 0;       // that went in, filler aside
};

// What a batch costs, and where the backward pass starts: d(loss)/d(output) = seed.
struct TrainLoss {
  double value = 0;
  Tensor output, seed;
};

// Measures of held-out data by name, the watched one first.
using Evaluation = std::vector<std::pair<std::string, double>>;

struct WatchedMeasure {
  std::string name;
  bool more_is_better = false;
};

// What a run learns, on which data, with which model: the loop knows only this. The same position
// gives the same batch, whatever came before.
class Objective {
 public:
  virtual ~Objective() = default;

  // What a log calls the loss's unit: "nats per token".
  virtual std::string loss_unit() const { return "nats per token"; }
  virtual WatchedMeasure watched() const { return {"bits_per_byte", false}; }
  // Held-out sequences to look at where the recipe does not say.
  virtual int64_t usual_evaluation() const { return 64; }
  // Sequences (or examples) in one epoch.
  virtual int64_t sequences() const = 0;
  virtual bool has_heldout() const = 0;
  // Everything trained, in a fixed order. Gradients are wanted for what carries a tag.
  virtual void visit(ParamVisitor visitor) = 0;
  virtual Allocator& memory() = 0;  // where weights and the optimiser's state live

  virtual TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const = 0;
  // The sum of losses / normalizer. While exec.tape records, with output and seed.
  virtual TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const = 0;
  // Of at most `most` held-out sequences, `count` at a time.
  virtual Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const = 0;

  // Operations forward and backward for one token; 0: not known.
  virtual double flops_per_token() const = 0;
  // What must not change between stop and resume.
  virtual std::string fingerprint() const = 0;
  // What it makes, the name of the folder: "model", or "adapter".
  virtual std::string product() const { return "model"; }
  // Writes the model as a folder that loads again, or the adapter.
  virtual void save(const std::filesystem::path& folder) = 0;
  // After the last step, when the product stands in `folder`: what is made from it, and its
  // measures on held-out data.
  virtual Evaluation finish(ThreadPool& pool, const std::filesystem::path& folder) {
    static_cast<void>(pool);
    static_cast<void>(folder);
    return {};
  }
  // For samples; null when the model writes no text.
  virtual LanguageModel* language_model() { return nullptr; }
};

// Builds or loads the model and opens the data. Throws Error before anything is written.
std::unique_ptr<Objective> make_objective(const Recipe& recipe);

// An adapter's part of a fingerprint.
std::string describe_adapter(const AdapterConfig& adapter);
// Writes an adapter in PEFT's layout and, where GGUF can hold it, adapter.gguf beside.
void save_adapter(LanguageModel& model, const AdapterConfig& adapter,
                  const std::filesystem::path& folder);

// Loss and seed of a scalar loss tensor.
TrainLoss scalar_loss(Exec& exec, const Tensor& loss);

}  // namespace onmal
