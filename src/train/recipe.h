#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "autograd/exec.h"
#include "models/adapter.h"
#include "models/classifier.h"
#include "models/decoder_config.h"
#include "models/model_file.h"
#include "models/ngram_features.h"
#include "train/ngram_training.h"

namespace onmal {

enum class OptimizerKind : uint8_t { kAdamW, kMuon };
enum class ScheduleKind : uint8_t { kConstant, kCosine, kWarmupStableDecay };

struct OptimizerRecipe {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of matrices and embeddings; never of norms and biases
  double clip_norm = 1.0;     // 0: no clipping
  double momentum = 0.95;     // Muon
};

struct ScheduleRecipe {
  ScheduleKind kind = ScheduleKind::kCosine;
  int64_t warmup_steps = 0;
  double decay_fraction = 0.2;  // of all steps, at the end (warm-up–stable–decay)
  double least_ratio = 0.1;     // of the learning rate, reached at the end
};

enum class TaskKind : uint8_t {
  kText,            // the next token of shards, or the answers of conversations
  kMasked,          // encoders: masked tokens of shards (Devlin et al., 2019)
  kClassification,  // labels of texts
  kPairs,           // encoder-decoders: a target for each source
  kDenoising,       // encoder-decoders: cut-out spans of shards (Raffel et al., 2020)
  kPreference,      // decoders: the better of two answers (Rafailov et al., 2023)
  kCorrection,      // encoders: what is to be done with each character of a text with mistakes
  kContrastive,     // encoders: vectors of texts, from pairs that belong together
};

struct ObjectiveRecipe {
  TaskKind task = TaskKind::kText;
  ClassifyTask problem = ClassifyTask::kSingleLabel;
  Pooling pooling = Pooling::kNone;  // none: the model's own way
  double masked_share = 0.15;        // of the tokens
  double mean_span = 3.0;            // tokens of a cut-out span
  double beta = 0.1;                 // preference: how dear it is to leave the reference
  double label_smoothing = 0.0;      // preference: how many pairs are the wrong way round
  double noise_rate = 0.15;          // correction: share of words that get a mistake
  double clean_share = 0.3;          // correction: of the sentences that get none
  double most_harmed = 0.02;         // correction: of held-out sentences without mistakes
  double temperature = 0.05;         // contrastive: what similarities are divided by
  double token_dropout = 0.0;        // classification: share of a text's tokens hidden by the mask
};

struct DataRecipe {
  std::filesystem::path tokenizer;  // tokenizer.json; not needed with model.from
  std::filesystem::path train;      // token shard
  std::filesystem::path heldout;    // token shard; none: no evaluation
  std::filesystem::path
      conversations;              // corpus description, instead of shards: learn the answers alone
  std::filesystem::path folder;   // that the description's paths start from
  int64_t turns = 1;              // up to so many conversations become the turns of one
  int64_t heldout_permille = 20;  // of the conversations, rows or pairs
  // Tables (json, jsonl, csv, tsv): classification, pairs, preference.
  std::filesystem::path table;
  std::filesystem::path heldout_table;  // none: heldout_permille of the table
  std::string text_column = "text";
  std::string second_column;  // put below the text
  std::string pair_column;    // a second text that the first is judged with; see encode_pair()
  std::string label_column = "label";
  std::string label_separator = ",";  // between several labels of one text
  std::string source_column = "source";
  std::string target_column = "target";
  std::string prefix;  // put before each source
  // Pairs, both given: learned both ways, each source behind the token of the language wanted,
  // "<2ko>" (as MADLAD-400's models want it).
  std::string source_language, target_language;
  std::string prompt_column = "prompt";
  std::string chosen_column = "chosen";
  std::string rejected_column = "rejected";
  int64_t length = 256;
  bool mask_documents = true;
};

// A second part of a classifier, over n-grams, that is joined with the trained head.
struct NgramRecipe {
  NgramConfig config;
  NgramTraining training;
  // A table as data.table, of texts that are in no table learned from: what the two parts say of
  // them decides how they are joined.
  std::filesystem::path mix_table;
  // More texts for this part alone; none: no more. With several labels, "!x" says that a text is
  // not x; of a text with such labels alone the others are unknown.
  std::filesystem::path extra_table;
  double extra_weight = 0.3;  // of such a text's loss
};

struct RunRecipe {
  int64_t steps = 100;  // 0 with [ngrams] alone: the head stays as it is
  double epochs = 0;    // > 0: instead of steps, so many times over the training data
  int64_t batch = 8;
  int64_t accumulation = 1;
  uint64_t seed = 1;
  int64_t threads = 0;
  MatmulPrecision matmul = MatmulPrecision::kF32;
  bool checkpoint_activations = false;
  int64_t checkpoint_every = 0;  // steps; 0: only at the end
  int64_t keep = 2;              // checkpoints
  int64_t evaluate_every = 0;
  int64_t evaluate_sequences = 0;  // 0: as many as the objective likes
  bool keep_best = false;          // output/model is the one that was best on held-out data
  int64_t sample_every = 0;
  std::string sample_prompt;
  int64_t memory_limit_bytes = 0;  // of activations and gradients; 0: none
  std::filesystem::path output;
};

// A training run as data.
struct Recipe {
  ModelKind kind = ModelKind::kDecoder;  // of `model`
  DecoderConfig model;                   // of encoders: the sizes alone
  int64_t decoder_layers = 0;            // encoder-decoders; 0: as many as layers
  bool gated_mlp = false;                // encoder-decoders of T5's kind
  std::filesystem::path from;            // start from this saved model instead of `model`
  ObjectiveRecipe objective;
  std::optional<AdapterConfig> adapter;  // trained instead of the model, which stays as stored
  DataRecipe data;
  std::optional<NgramRecipe> ngrams;
  OptimizerRecipe optimizer;
  ScheduleRecipe schedule;
  RunRecipe run;
  std::string source;  // the text it was read from
};

// Reads a recipe (TOML; sections model, adapter, objective, data,
// ngrams, optimizer, schedule, run).
// Relative paths start from the recipe's folder, except run.output, which starts from the working
// directory. Throws Error(kInvalidArgument) with file and line: a misspelt key (naming the nearest
// one), a wrong type, a value out of range.
Recipe load_recipe(const std::filesystem::path& path);
Recipe parse_recipe(const std::string& text, const std::filesystem::path& path);

}  // namespace onmal
