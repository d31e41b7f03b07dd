// oracle_dump ARCHITECTURE FOLDER: a small decoder's weights, one batch, its logits, gradients and
// ten AdamW losses, for another program to check.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "autograd/tape.h"
#include "base/file.h"
#include "formats/safetensors.h"
#include "models/architecture.h"
#include "models/language_model.h"
#include "models/weight_io.h"
#include "train/optimizer.h"

namespace onmal {
namespace {

constexpr int64_t kBatch = 2;
constexpr int64_t kLength = 24;
constexpr int kSteps = 10;
constexpr double kLearningRate = 3e-3;

DecoderConfig small_config(const std::string& architecture) {
  DecoderConfig config;
  config.architecture = architecture;
  config.vocab_size = 97;
  config.dim = 48;
  config.layers = 3;
  config.heads = 4;
  config.kv_heads = architecture == "gpt2" ? 4 : 2;
  config.head_dim = architecture == "qwen3" ? 16 : 12;
  config.ffn_dim = 112;
  config.max_positions = 64;
  config.tied_head = architecture != "llama";
  find_architecture(architecture, "oracle_dump").set_family(config);
  return config;
}

void randomize(Decoder& decoder, Allocator& memory) {
  Rng rng(7);
  decoder.visit([&](Param& param) {
    param.value = Tensor::empty(memory, param.shape);
    for (int64_t i = 0; i < param.value.elements(); ++i) {
      param.value.f32()[i] = param.initial_value + 0.15F * static_cast<float>(rng.normal());
    }
  });
  decoder.prepare(memory);
}

struct Batch {
  Tensor ids, targets;
  std::string json;  // [[ids and the last target] for each row]
};

Batch make_batch(Allocator& memory, int64_t vocab_size) {
  Rng rng(3);
  Batch batch{Tensor::empty(memory, Shape{kBatch, kLength}, DType::kI32),
              Tensor::empty(memory, Shape{kBatch, kLength}, DType::kI32), "["};
  for (int64_t row = 0; row < kBatch; ++row) {
    batch.json += row > 0 ? ", [" : "[";
    auto token = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size)));
    for (int64_t t = 0; t < kLength; ++t) {
      batch.ids.i32()[row * kLength + t] = token;
      batch.json += std::to_string(token) + ", ";
      token = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size)));
      batch.targets.i32()[row * kLength + t] = token;
    }
    batch.json += std::to_string(token) + "]";
  }
  batch.json += "]";
  return batch;
}

struct Run {
  ThreadPool pool{2};
  Backend backend = make_cpu_backend();
  CachingAllocator memory;
};

double backward(Run& run, Decoder& decoder, const Batch& batch, GradStore& gradients) {
  Tape tape;
  Exec exec{&run.pool, &run.memory, &run.backend, &tape};
  DecoderInput input;
  input.ids = batch.ids;
  Tensor loss = decoder.loss(exec, decoder.forward(exec, input), batch.targets).loss;
  Tensor seed = Tensor::empty(run.memory, Shape{1});
  seed.f32()[0] = 1.0F;
  tape.backward(exec, loss, seed, gradients);
  return static_cast<double>(loss.f32()[0]);
}

// Gradients under the names and layouts of the weights, by putting them where the weights are.
void write_gradients(Decoder& decoder, const GradStore& gradients,
                     const std::filesystem::path& path) {
  Decoder shadow(decoder.config());
  std::vector<Tensor> found;
  decoder.visit([&](Param& param) { found.push_back(gradients.find(param.value.tag())); });
  size_t next = 0;
  shadow.visit([&](Param& param) { param.value = found[next++]; });
  HeapAllocator memory;
  const Architecture& architecture =
      find_architecture(decoder.config().architecture, "oracle_dump");
  write_safetensors(
      path, store_weights(shadow, {architecture.hugging_face_names(), architecture.norm_offset},
                          memory, DType::kF32, RopeStyle::kHalves));
}

void dump(const std::string& architecture, const std::filesystem::path& folder) {
  LanguageModel model;
  model.decoder = std::make_unique<Decoder>(small_config(architecture));
  Decoder& decoder = *model.decoder;
  Run run;
  randomize(decoder, *model.memory);
  const Batch batch = make_batch(*model.memory, decoder.config().vocab_size);
  save_hugging_face(model, folder, DType::kF32);
  {
    Exec exec{&run.pool, &run.memory, &run.backend};
    DecoderInput input;
    input.ids = batch.ids;
    const Tensor logits = decoder.logits(exec, decoder.forward(exec, input));
    AtomicFile file(folder / "logits.f32");
    file.write(std::as_bytes(std::span(logits.f32(), static_cast<size_t>(logits.elements()))));
    file.commit();
  }
  decoder.set_trained(true);
  OptimizerRecipe recipe;
  recipe.learning_rate = kLearningRate;
  Optimizer optimizer(
      recipe, [&](ParamVisitor visitor) { decoder.visit(visitor); }, *model.memory);
  std::string losses = "[";
  for (int step = 0; step < kSteps; ++step) {
    GradStore gradients;
    const double loss = backward(run, decoder, batch, gradients);
    if (step == 0) write_gradients(decoder, gradients, folder / "gradients.safetensors");
    char text[40];
    std::snprintf(text, sizeof text, "%s%.9g", step > 0 ? ", " : "", loss);
    losses += text;
    Exec exec{&run.pool, &run.memory, &run.backend};
    optimizer.step(exec, gradients, kLearningRate, 1.0);
  }
  write_file(folder / "losses.json", losses + "]\n");
  char options[200];
  std::snprintf(
      options, sizeof options,
      ", \"lr\": %g, \"betas\": [%g, %g], \"eps\": %g, \"weight_decay\": %g, \"steps\": %d}\n",
      kLearningRate, recipe.beta1, recipe.beta2, recipe.epsilon, recipe.weight_decay, kSteps);
  write_file(folder / "batch.json", "{\"ids\": " + batch.json + options);
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: oracle_dump ARCHITECTURE FOLDER\n");
    return 2;
  }
  try {
    onmal::dump(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oracle_dump: %s\n", error.what());
    return 1;
  }
  return 0;
}
