#include "cli/generate_command.h"

#include <fmt/format.h>

#include <algorithm>
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
  bool truncate = false;
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
          {"drafted_tokens", result.drafted_tokens},
          {"accepted_tokens", result.accepted_tokens},
          {"seed", seed}};
}

// With --truncate: leaves out what stands between the begin token and the last tokens that leave
// room for the answer. Returns how many were cut, which is told.
size_t cut_to_fit(std::vector<int32_t>& prompt, int64_t context_tokens, int64_t answer_tokens,
                  int32_t begin_id) {
  const int64_t answer = std::min(answer_tokens, context_tokens / 2);
  const auto most = static_cast<size_t>(std::max<int64_t>(context_tokens - answer, 1));
  if (prompt.size() <= most) return 0;
  const size_t kept = prompt[0] == begin_id && most > 1 ? 1 : 0;
  const size_t cut = prompt.size() - most;
  const auto from = prompt.begin() + static_cast<std::ptrdiff_t>(kept);
  prompt.erase(from, from + static_cast<std::ptrdiff_t>(cut));
  return cut;
}

void generate(CommandContext& context, GenerateCommandOptions& options) {
  const std::string text = read_prompt(context, options);
  if (is_encoder_decoder(options.talk.model)) {
    if (!options.talk.json_schema.empty())
      throw Error(ErrorCode::kUnsupported, "generate", "--json-schema needs a decoder");
    return translate(context, options.talk, text, options.beams);
  }
  if (options.beams)
    throw Error(ErrorCode::kInvalidArgument, "generate", "--beams is for encoder-decoders");
  read_json_schema(options.talk);
  const TalkingModel talking = load_for_talking(context, options.talk);
  const Tokenizer& tokenizer = *talking.model.tokenizer;
  const uint64_t seed = choose_seed(options.talk.seed);
  options.talk.generate.sampler.seed = seed;
  ThreadPool pool(context.threads);
  Generator generator(talking.model, pool, talking.options);
  std::vector<int32_t> prompt =
      tokenizer.encode(text, {.add_special = true, .parse_special = options.special});
  size_t cut = 0;
  if (options.truncate) {
    cut = cut_to_fit(prompt, generator.context(), options.talk.generate.max_tokens,
                     tokenizer.begin_id());
    if (cut > 0) context.err << fmt::format("cut {} tokens from the front of the prompt\n", cut);
  }
  std::string scratch;
  const GenerateResult result = generator.generate(
      prompt, options.talk.generate,
      [&](std::string_view part) {
        if (!context.json) context.out << printable(context, part, scratch) << std::flush;
      },
      context.interrupts.token());
  if (context.json) {
    Json document = to_json(result, seed);
    if (options.truncate) document["truncated_tokens"] = cut;
    print_json(context, document);
  } else {
    if (result.text.empty() || result.text.back() != '\n') context.out << std::endl;
    context.err << fmt::format("{} prompt tokens at {:.1f}/s, {} tokens at {:.1f}/s, {}, seed {}",
                               result.prompt_tokens, result.prefill_tokens_per_s, result.ids.size(),
                               result.decode_tokens_per_s, finish_reason_name(result.finish), seed);
    if (result.drafted_tokens > 0) {
      context.err << fmt::format(", {} of {} guessed tokens right", result.accepted_tokens,
                                 result.drafted_tokens);
    }
    context.err << "\n";
  }
}

}  // namespace

void add_generate_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<GenerateCommandOptions>();
  CLI::App* command = app.add_subcommand("generate", "Continue a text");
  add_talk_options(*command, options->talk);
  add_json_schema_option(*command, options->talk);
  command->add_option("-p,--prompt", options->prompt, "The text; without it, standard input");
  command->add_flag("--special", options->special,
                    "Read <|im_end|> and the like in the prompt as special tokens");
  command
      ->add_option(
          "--beams", options->beams,
          "Encoder-decoders: outputs looked at side by side; 1: always the likeliest token")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--truncate", options->truncate,
                    "Cut a prompt that is too long at its front, and say so, instead of failing");
  command->callback([&context, options] { generate(context, *options); });
}

}  // namespace onmal
