#include "cli/generate_command.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "cli/translate.h"

namespace onmal {
namespace {

struct GenerateCommandOptions {
  TalkOptions talk;
  std::optional<std::string> prompt;
  bool special = false;
  std::optional<int64_t> beams;
};

// A prompt from a pipe loses the one line end that tools put behind it.
std::string read_prompt(CommandContext& context, const GenerateCommandOptions& options) {
  if (options.prompt) return *options.prompt;
  if (context.in_is_terminal) {
    throw CLI::ValidationError("generate", "give a prompt with -p or through a pipe");
  }
  std::string text = InputReader(context.in).read_all(context.interrupts.token());
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Json to_json(const GenerateResult& result, uint64_t seed) {
  return {{"text", result.text},
          {"tokens", result.ids.size()},
          {"ids", result.ids},
          {"finish_reason", finish_reason_name(result.finish)},
          {"prompt_tokens", result.prompt_tokens},
          {"prefill_tokens_per_s", result.prefill_tokens_per_s},
          {"decode_tokens_per_s", result.decode_tokens_per_s},
          {"seed", seed}};
}

void generate(CommandContext& context, GenerateCommandOptions& options) {
  const std::string text = read_prompt(context, options);
  if (is_encoder_decoder(options.talk.model))
    return translate(context, options.talk, text, options.beams);
  if (options.beams)
    throw Error(ErrorCode::kInvalidArgument, "generate", "--beams is for encoder-decoders");
  const LanguageModel model = load_talking_model(options.talk.model);
  const uint64_t seed = choose_seed(options.talk.seed);
  options.talk.generate.sampler.seed = seed;
  ThreadPool pool(context.threads);
  Generator generator(model, pool,
                      {.matmul = options.talk.matmul, .context = options.talk.context});
  const std::vector<int32_t> prompt =
      model.tokenizer->encode(text, {.add_special = true, .parse_special = options.special});
  std::string scratch;
  const GenerateResult result = generator.generate(
      prompt, options.talk.generate,
      [&](std::string_view part) {
        if (!context.json) context.out << printable(context, part, scratch) << std::flush;
      },
      context.interrupts.token());
  if (context.json) {
    print_json(context, to_json(result, seed));
  } else {
    if (result.text.empty() || result.text.back() != '\n') context.out << std::endl;
    context.err << fmt::format("{} prompt tokens at {:.1f}/s, {} tokens at {:.1f}/s, {}, seed {}\n",
                               result.prompt_tokens, result.prefill_tokens_per_s, result.ids.size(),
                               result.decode_tokens_per_s, finish_reason_name(result.finish), seed);
  }
}

}  // namespace

void add_generate_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<GenerateCommandOptions>();
  CLI::App* command = app.add_subcommand("generate", "Continue a text");
  add_talk_options(*command, options->talk);
  command->add_option("-p,--prompt", options->prompt, "The text; without it, standard input");
  command->add_flag("--special", options->special,
                    "Read <|im_end|> and the like in the prompt as special tokens");
  command
      ->add_option(
          "--beams", options->beams,
          "Encoder-decoders: outputs looked at side by side; 1: always the likeliest token")
      ->check(CLI::Range(1, 1024));
  command->callback([&context, options] { generate(context, *options); });
}

}  // namespace onmal
