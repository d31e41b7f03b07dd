#include "cli/model_options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <ostream>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "base/memory_size.h"
#include "infer/json/json_constraint.h"
#include "models/adapter.h"
#include "models/model_file.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr uint64_t kMaxSchemaBytes = uint64_t{1} << 20;

uint64_t bytes_on_disk(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code unreadable;  // whoever opens it says so
  if (!fs::is_directory(path, unreadable)) {
    const uintmax_t size = fs::file_size(path, unreadable);
    return unreadable ? 0 : size;
  }
  uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(path, unreadable)) {
    const bool weights =
        entry.path().extension() == ".gguf" || entry.path().extension() == ".safetensors";
    if (weights && entry.is_regular_file(unreadable)) total += entry.file_size(unreadable);
  }
  return total;
}

void warn_of_size(CommandContext& context, const std::string& path) {
  const uint64_t bytes = bytes_on_disk(path);
  const int64_t total = memory_size().total;
  if (bytes <= static_cast<uint64_t>(total)) return;
  context.err << fmt::format(
      "{}: warning: {} of weights are more than the memory of {}; every token will read them from "
      "disk\n",
      path, describe_bytes(static_cast<int64_t>(bytes)), describe_bytes(total));
}

}  // namespace

void add_model_option(CLI::App& command, std::string& model) {
  command
      .add_option("-m,--model", model,
                  "Model: a .gguf file, a Hugging Face folder, or a folder with one .gguf")
      ->required();
}

void add_adapter_option(CLI::App& command, std::vector<std::string>& adapters) {
  command
      .add_option("--adapter", adapters,
                  "LoRA adapter: a folder of PEFT's or a .gguf; FILE:0.5 for half its weight (may "
                  "be given several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
}

void attach_adapters(LanguageModel& model, const std::vector<std::string>& adapters) {
  for (const std::string& adapter : adapters) {
    std::string path = adapter;
    double weight = 1.0;
    const size_t colon = adapter.rfind(':');
    if (colon != std::string::npos && !std::filesystem::exists(adapter)) {
      const char* begin = adapter.data() + colon + 1;
      const char* end = adapter.data() + adapter.size();
      const auto result = std::from_chars(begin, end, weight);
      if (result.ec != std::errc() || result.ptr != end || !std::isfinite(weight)) {
        throw Error(ErrorCode::kInvalidArgument, adapter, "is no file, and no FILE:WEIGHT either",
                    "check the path");
      }
      path.resize(colon);
    }
    load_adapter(model, path, weight);
  }
}

void add_matmul_option(CLI::App& command, MatmulPrecision& precision) {
  const std::map<std::string, MatmulPrecision> names = {{"f32", MatmulPrecision::kF32},
                                                        {"int8", MatmulPrecision::kInt8}};
  command
      .add_option("--matmul", precision,
                  "Activations that meet quantised weights: int8 (fast) or f32 (as stored)")
      ->transform(CLI::CheckedTransformer(names, CLI::ignore_case).description("{f32,int8}"))
      ->default_str(precision == MatmulPrecision::kInt8 ? "int8" : "f32");
}

void add_cache_type_option(CLI::App& command, DType& type) {
  const std::map<std::string, DType> names = {
      {"f32", DType::kF32}, {"f16", DType::kF16}, {"q8_0", DType::kQ8_0}};
  command.add_option("--cache-type", type, "Number format of the cached keys and values")
      ->transform(CLI::CheckedTransformer(names, CLI::ignore_case).description("{f32,f16,q8_0}"))
      ->default_str("f16");
}

void add_talk_options(CLI::App& command, TalkOptions& options) {
  add_model_option(command, options.model);
  add_adapter_option(command, options.adapters);
  add_matmul_option(command, options.matmul);
  add_cache_type_option(command, options.cache_type);
  SamplerOptions& sampler = options.generate.sampler;
  command.add_option("-n,--max-tokens", options.generate.max_tokens, "Most tokens of an answer")
      ->capture_default_str();
  command
      .add_option("-c,--context", options.context,
                  "Most tokens kept in mind; 0: as many as the model can")
      ->capture_default_str();
  command.add_option("--temp,--temperature", sampler.temperature, "0: always the likeliest token")
      ->capture_default_str();
  command.add_option("--top-k", sampler.top_k, "Only the k likeliest tokens; 0: off")
      ->capture_default_str();
  command.add_option("--top-p", sampler.top_p, "Only the likeliest tokens adding up to p; 1: off")
      ->capture_default_str();
  command
      .add_option("--min-p", sampler.min_p,
                  "Only tokens at least p times as likely as the likeliest; 0: off")
      ->capture_default_str();
  command.add_option("--repetition-penalty", sampler.repetition_penalty, "1: off")
      ->capture_default_str();
  command.add_option("--frequency-penalty", sampler.frequency_penalty, "0: off")
      ->capture_default_str();
  command.add_option("--presence-penalty", sampler.presence_penalty, "0: off")
      ->capture_default_str();
  command.add_option("--penalty-window", sampler.penalty_window, "Tokens that penalties look at")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "The same seed gives the same text");
  command
      .add_option("--stop", options.generate.stop_texts,
                  "A text that ends the answer (may be given several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command.add_option("--draft", options.draft,
                     "A smaller model with the same vocabulary that guesses ahead");
  command.add_option("--draft-tokens", options.draft_tokens, "Most tokens guessed at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command.add_flag("--no-speculation", options.no_speculation,
                   "Compute token by token, without guesses (the text is the same)");
  command.add_flag("--ignore-end", options.generate.ignore_end,
                   "Go on behind the model's end tokens");
}

void add_json_schema_option(CLI::App& command, TalkOptions& options) {
  command.add_option("--json-schema", options.json_schema,
                     "Answer in JSON that this JSON Schema (a file, or itself) allows");
}

void read_json_schema(TalkOptions& options) {
  const std::string& given = options.json_schema;
  if (given.empty()) return;
  const bool is_file = given.front() != '{' && given != "true";
  options.schema = make_json_constraint(is_file ? read_file(given, kMaxSchemaBytes) : given);
  options.generate.constraint = options.schema.get();
}

LanguageModel load_talking_model(const std::string& path) {
  LanguageModel model = load_language_model(path);
  require_tokenizer(model.tokenizer.get(), model.tokenizer_problem, path,
                    "use a model with a byte-level BPE tokenizer");
  return model;
}

TalkingModel load_for_talking(CommandContext& context, const TalkOptions& options) {
  if (options.no_speculation && !options.draft.empty()) {
    throw CLI::ValidationError("--draft", "has no use with --no-speculation");
  }
  TalkingModel talking;
  warn_of_size(context, options.model);
  talking.model = load_talking_model(options.model);
  attach_adapters(talking.model, options.adapters);
  talking.options.matmul = options.matmul;
  talking.options.context = options.context;
  talking.options.cache_type = options.cache_type;
  SpeculationOptions& speculation = talking.options.speculation;
  speculation.draft_tokens = options.no_speculation ? 0 : options.draft_tokens;
  if (options.draft.empty()) return talking;
  warn_of_size(context, options.draft);
  talking.draft = std::make_unique<LanguageModel>(load_talking_model(options.draft));
  speculation.draft = talking.draft.get();
  return talking;
}

uint64_t choose_seed(const std::optional<uint64_t>& seed) {
  return seed ? *seed : std::random_device{}();
}

std::string_view printable(const CommandContext& context, std::string_view text,
                           std::string& scratch) {
  if (!context.out_is_terminal) return text;
  scratch.clear();
  for (size_t position = 0; position < text.size();) {
    const Utf8Char character = read_utf8(text, position);
    const bool control = character.code < 0x20 || (character.code >= 0x7F && character.code < 0xA0);
    if (!control || character.code == '\n' || character.code == '\t') {
      scratch += text.substr(position, character.length);
    }
    position += character.length;
  }
  return scratch;
}

}  // namespace onmal
