#include "cli/text_task.h"

#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "base/file.h"
#include "cli/input.h"
#include "cli/translate.h"

namespace onmal {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 28;

}  // namespace

void add_text_task_options(CLI::App& command, TextTaskOptions& options, bool needs_model) {
  options.task = command.get_name();
  options.talk.generate.sampler.temperature = 0;
  options.talk.generate.max_tokens = 0;
  CLI::Option* model = command.add_option(
      "-m,--model", options.talk.model,
      "An instruct model, or one tuned for this task: a .gguf file or a Hugging Face folder");
  if (needs_model) model->required();
  command.add_option("--text", options.text, "The text");
  command
      .add_option("-f,--file", options.file,
                  "A file with the text; without --text and --file, standard input")
      ->check(CLI::ExistingFile);
  add_adapter_option(command, options.talk.adapters);
  add_matmul_option(command, options.talk.matmul);
  command
      .add_option("-c,--context", options.talk.context,
                  "Most tokens kept in mind; 0: as many as the model can")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str();
  command
      .add_option("-n,--max-tokens", options.talk.generate.max_tokens,
                  "Most tokens written at a time")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->default_str("by the text");
  command
      .add_option("--temp,--temperature", options.talk.generate.sampler.temperature,
                  "0: always the likeliest token")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--seed", options.talk.seed, "The same seed gives the same text");
  command.add_flag("--bare", options.bare,
                   "The decoder is tuned for this task: give it the text without instructions");
  command.add_option("--prefix", options.prefix,
                     "Tuned models: put before each text (\"summarize: \")");
  command
      .add_option("--beams", options.beams,
                  "Encoder-decoders: outputs looked at side by side (default: the model's own)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--length-penalty", options.length_penalty,
                  "Encoder-decoders: outputs are ranked by log-probability / length^penalty")
      ->check(CLI::Range(-10.0, 10.0));
}

std::string read_task_text(CommandContext& context, const TextTaskOptions& options) {
  if (options.text && !options.file.empty())
    throw CLI::ValidationError(options.task, "--text and --file exclude each other");
  std::string text;
  if (options.text) {
    text = *options.text;
  } else if (!options.file.empty()) {
    text = read_file(options.file, kMostBytes);
  } else if (context.in_is_terminal) {
    throw CLI::ValidationError(options.task, "give --text, --file or a pipe");
  } else {
    text = InputReader(context.in).read_all(context.interrupts.token(), kMostBytes);
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::unique_ptr<TaskModel> open_task_model(CommandContext& context, ThreadPool& pool,
                                           const TextTaskOptions& options) {
  require_writer(options.talk.model);
  if (is_encoder_decoder(options.talk.model)) {
    if (!options.talk.adapters.empty())
      throw Error(ErrorCode::kUnsupported, options.talk.model,
                  "adapters are for decoders, this is an encoder-decoder");
    PairOptions pair;
    pair.beams = options.beams;
    pair.length_penalty = options.length_penalty;
    pair.matmul = options.talk.matmul;
    return make_pair_model(load_encoder_decoder(options.talk.model), pool, pair);
  }
  if (options.beams || options.length_penalty) {
    throw Error(ErrorCode::kInvalidArgument, options.task,
                "--beams and --length-penalty are for encoder-decoders");
  }
  TalkingModel talking = load_for_talking(context, options.talk);
  InstructOptions instruct;
  instruct.generator = talking.options;
  instruct.sampler = options.talk.generate.sampler;
  instruct.sampler.seed = choose_seed(options.talk.seed);
  instruct.bare = options.bare;
  return make_instruct_model(std::move(talking.model), pool, std::move(instruct));
}

void show_task_progress(CommandContext& context, size_t done, size_t total, const char* units) {
  if (!context.err_is_terminal || total < 2) return;
  context.err << fmt::format("\r{} of {} {}{}", done, total, units, done == total ? "\n" : "")
              << std::flush;
}

Json model_json(const ModelName& name) {
  return {{"name", name.name}, {"path", name.path}, {"kind", name.kind}};
}

std::string model_line(const ModelName& name) {
  return fmt::format("answered by {} ({})", name.name, name.kind);
}

}  // namespace onmal
