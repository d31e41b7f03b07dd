// oracle_tasks TASK SOURCE FOLDER: ten steps of the training loop on a small model: the model they
// start from (FOLDER/start), every batch and loss (FOLDER/steps.json), for another program to
// check.

#include <cstdio>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "train/sample_data_testing.h"
#include "train/trainer.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr int kSteps = 10;
constexpr int64_t kBatch = 6;
constexpr double kLearningRate = 2e-3;

void write_data(const fs::path& source, const fs::path& folder) {
  testing::write_sample_data(source, folder, 400,
                             {"[MASK]", "<extra_id_0>", "<extra_id_1>", "<extra_id_2>"});
  std::string rows = "text\tlabel\n";
  std::string labels = "text\tlabel\n";
  std::string pairs = "source\ttarget\n";
  std::string preferences = "prompt\tchosen\trejected\n";
  for (int i = 0; i < 80; ++i) {
    const std::string number = std::to_string(i * 37 % 80);
    const std::string text = std::string(i % 2 ? "좋은 영화" : "a bad film") + " " + number;
    rows += text + "\t" + (i % 3 == 0 ? "x" : i % 3 == 1 ? "y" : "z") + "\n";
    labels += text + "\t" + (i % 3 == 0 ? "x,y" : i % 3 == 1 ? "y" : "z") + "\n";
    pairs += text + "\t" + number + " " + (i % 2 ? "good" : "나쁜") + "\n";
    preferences += text + "\t" + number + " yes\t아니오 " + number + " no\n";
  }
  write_file(folder / "rows.tsv", rows);
  write_file(folder / "labels.tsv", labels);
  write_file(folder / "pairs.tsv", pairs);
  write_file(folder / "preferences.tsv", preferences);
}

std::string model_text(const std::string& architecture) {
  return "[model]\narchitecture = \"" + architecture +
         "\"\nvocab_size = 400\ndim = 48\nlayers = 2\nheads = 4\nkv_heads = 2\nhead_dim = "
         "12\nffn_dim = 80\nmax_positions = 64\n";
}

std::string recipe_text(const std::string& task, const fs::path& folder) {
  const std::string shard = "train = \"train.tok\"\n";
  std::string model, objective, data;
  if (task == "masked") {
    model = model_text("bert");
    objective = "task = \"masked\"\n";
    data = shard;
  } else if (task == "classify_bert" || task == "classify_qwen3") {
    model = model_text(task.substr(9));
    objective = "task = \"classification\"\n";
    data = "table = \"rows.tsv\"\nheldout_permille = 0\n";
  } else if (task == "labels_bert") {
    model = model_text("bert");
    objective = "task = \"classification\"\nproblem = \"multi_label\"\npooling = \"mean\"\n";
    data = "table = \"labels.tsv\"\nheldout_permille = 0\n";
  } else if (task == "pairs_t5" || task == "pairs_marian") {
    model = model_text(task.substr(6)) + "decoder_layers = 3\n";
    objective = "task = \"pairs\"\n";
    data = "table = \"pairs.tsv\"\nheldout_permille = 0\n";
  } else if (task == "contrastive_bert" || task == "contrastive_table") {
    model = model_text("bert");
    if (task == "contrastive_table") model.replace(model.find("layers = 2"), 10, "layers = 0");
    objective = "task = \"contrastive\"\ntemperature = 0.1\n";
    data = "table = \"pairs.tsv\"\nheldout_permille = 0\n";
  } else if (task == "denoising_t5") {
    model = model_text("t5") + "gated_mlp = true\n";
    objective = "task = \"denoising\"\n";
    data = shard;
  } else {
    model = "[model]\nfrom = \"base\"\n";
    objective = "task = \"preference\"\nbeta = 0.2\nlabel_smoothing = 0.1\n";
    data = "table = \"preferences.tsv\"\nheldout_permille = 0\n";
  }
  return model + "[objective]\n" + objective +
         "[data]\ntokenizer = \"tokenizer.json\"\nlength = " + "48\n" + data +
         "[optimizer]\nweight_decay = 0.1\nclip_norm = 0.0\n[run]\nsteps = 10\nbatch = " +
         std::to_string(kBatch) + "\noutput = \"" + (folder / "run").string() + "\"\n";
}

// A decoder with a reference to leave: a few steps from where it began.
void make_base(const fs::path& folder) {
  Trainer trainer(parse_recipe(
      model_text("qwen3") +
          "[data]\ntokenizer = \"tokenizer.json\"\nlength = 48\ntrain = \"train.tok\"\n[run]\n"
          "output = \"base-run\"\n",
      folder / "recipe.toml"));
  for (int step = 0; step < 3; ++step) trainer.train_step(3e-3);
  save_hugging_face(trainer.model(), folder / "base", DType::kF32);
}

void add_tensor(const char* name, const Tensor& tensor, std::string& json) {
  if (!tensor.defined()) return;
  json.append(", \"").append(name).append("\": {\"shape\": [");
  for (int i = 0; i < tensor.shape().rank(); ++i)
    json.append(i > 0 ? ", " : "").append(std::to_string(tensor.dim(i)));
  json += "], \"values\": [";
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    json += i > 0 ? ", " : "";
    json += tensor.dtype() == DType::kI32 ? std::to_string(tensor.i32()[i])
                                          : std::to_string(tensor.f32()[i]);
  }
  json += "]}";
}

std::string batch_json(const TrainBatch& batch) {
  std::string json = "{\"counted\": " + std::to_string(batch.counted) + ", \"spans\": [";
  for (size_t i = 0; i < batch.spans.size(); ++i) {
    json += i > 0 ? ", [" : "[";
    json.append(std::to_string(batch.spans[i].begin)).append(", ");
    json.append(std::to_string(batch.spans[i].end)).append("]");
  }
  json += "]";
  add_tensor("ids", batch.ids, json);
  add_tensor("positions", batch.positions, json);
  add_tensor("first_keys", batch.first_keys, json);
  add_tensor("key_ends", batch.key_ends, json);
  add_tensor("targets", batch.targets, json);
  add_tensor("rows", batch.rows, json);
  add_tensor("values", batch.values, json);
  add_tensor("source_ids", batch.source_ids, json);
  add_tensor("source_positions", batch.source_positions, json);
  add_tensor("source_first_keys", batch.source_first_keys, json);
  add_tensor("source_key_ends", batch.source_key_ends, json);
  add_tensor("source_firsts", batch.source_firsts, json);
  add_tensor("source_ends", batch.source_ends, json);
  return json + "}";
}

void dump(const std::string& task, const fs::path& source, const fs::path& folder) {
  write_data(source, folder);
  if (task == "preference") make_base(folder);
  Trainer trainer(parse_recipe(recipe_text(task, folder), folder / "recipe.toml"));
  trainer.objective().save(folder / "start");
  CachingAllocator memory;
  std::string json =
      "{\"lr\": 0.002, \"betas\": [0.9, 0.95], \"eps\": 1e-8, \"weight_decay\": "
      "0.1, \"beta\": 0.2, \"label_smoothing\": 0.1, \"temperature\": 0.1, \"batches\": [";
  std::string losses;
  for (int step = 0; step < kSteps; ++step) {
    const auto position = static_cast<uint64_t>(step) * static_cast<uint64_t>(kBatch);
    json += step > 0 ? ",\n" : "\n";
    json += batch_json(trainer.objective().make_batch(memory, position, kBatch));
    char text[40];
    std::snprintf(text, sizeof text, "%s%.9g", step > 0 ? ", " : "",
                  trainer.train_step(kLearningRate));
    losses += text;
  }
  write_file(folder / "steps.json", json + "], \"losses\": [" + losses + "]}\n");
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: oracle_tasks TASK SOURCE FOLDER\n");
    return 2;
  }
  try {
    onmal::dump(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oracle_tasks: %s\n", error.what());
    return 1;
  }
  return 0;
}
