#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_context.h"
#include "infer/generator.h"
#include "models/language_model.h"

namespace onmal {

// What the commands that make a model talk have in common.
struct TalkOptions {
  std::string model;
  std::vector<std::string> adapters;
  int64_t context = 4096;
  std::optional<uint64_t> seed;
  MatmulPrecision matmul = MatmulPrecision::kInt8;
  std::string draft;  // model that guesses for speculation; "": none
  int64_t draft_tokens = SpeculationOptions{}.draft_tokens;
  bool no_speculation = false;
  DType cache_type = DType::kF16;
  std::string json_schema;                       // itself or its file; "": none
  std::shared_ptr<const TextConstraint> schema;  // that, read; generate.constraint points to it
  GenerateOptions generate;
};

// A model that answers, and what it is to be used with.
struct TalkingModel {
  LanguageModel model;
  std::unique_ptr<LanguageModel> draft;
  GeneratorOptions options;
};

void add_model_option(CLI::App& command, std::string& model);
// --adapter FILE[:WEIGHT], perhaps several.
void add_adapter_option(CLI::App& command, std::vector<std::string>& adapters);
// Attaches them to the model, in their order.
void attach_adapters(LanguageModel& model, const std::vector<std::string>& adapters);
// --matmul: the arithmetic of matrix products with quantised weights.
void add_matmul_option(CLI::App& command, MatmulPrecision& precision);
// --cache-type: the number format of the KV cache.
void add_cache_type_option(CLI::App& command, DType& type);
void add_talk_options(CLI::App& command, TalkOptions& options);
// --json-schema SCHEMA: answers are JSON of it.
void add_json_schema_option(CLI::App& command, TalkOptions& options);
// Holds answers to the schema that was given, if one was.
void read_json_schema(TalkOptions& options);

// Loads what a Generator needs. A model that is mapped and larger than the memory is a warning.
TalkingModel load_for_talking(CommandContext& context, const TalkOptions& options);

// Loads a model that must have a tokenizer.
LanguageModel load_talking_model(const std::string& path);

// The seed asked for, else a fresh one: reported, so that a run can be repeated.
uint64_t choose_seed(const std::optional<uint64_t>& seed);

// Text of a model on its way to the reader: for a terminal without the control characters that
// would move its cursor or change its settings.
std::string_view printable(const CommandContext& context, std::string_view text,
                           std::string& scratch);

}  // namespace onmal
