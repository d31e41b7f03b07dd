#include "cli/corpus_commands.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <ostream>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "cli/json_output.h"
#include "corpus/hangul_noise.h"
#include "corpus/source.h"

namespace onmal {
namespace {

struct NoiseCommandOptions {
  std::string input;
  std::string output;
  NoiseOptions noise;
  uint64_t seed = 1;
};

// One pair a line: {"clean", "noisy", "changes"}, or clean and noisy text with a tab between them.
void write_noise(CommandContext& context, const NoiseCommandOptions& options) {
  const bool lines_of_json = options.output.ends_with(".jsonl");
  Source source;
  source.path = options.input;
  source.format = SourceFormat::kLines;
  Rng rng(options.seed);
  AtomicFile file(options.output);
  int64_t lines = 0;
  std::array<int64_t, kMistakeKinds> counts = {};
  const std::stop_token stop = context.interrupts.token();
  read_documents(source, [&](std::string_view clean) {
    if (stop.stop_requested())
      throw Error(ErrorCode::kCancelled, options.input, "stopped; nothing was written");
    if (clean.find('\t') != std::string_view::npos && !lines_of_json) return;
    const NoisyText noisy = add_noise(clean, options.noise, rng);
    ++lines;
    Json changes = Json::array();
    for (const NoiseChange& change : noisy.changes) {
      ++counts[static_cast<size_t>(change.mistake)];
      changes.push_back({{"mistake", mistake_name(change.mistake)},
                         {"clean", {change.clean_begin, change.clean_end}},
                         {"noisy", {change.noisy_begin, change.noisy_end}}});
    }
    if (lines_of_json) {
      const Json line = {{"clean", clean}, {"noisy", noisy.text}, {"changes", changes}};
      file.write(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    } else {
      file.write(std::string(clean) + "\t" + noisy.text + "\n");
    }
  });
  file.commit();
  Json kinds = Json::object();
  for (size_t i = 0; i < kMistakeKinds; ++i)
    kinds[std::string(mistake_name(static_cast<Mistake>(i)))] = counts[i];
  if (context.json) {
    print_json(context, {{"output", options.output}, {"lines", lines}, {"mistakes", kinds}});
    return;
  }
  context.out << fmt::format("{}: {} lines\n", options.output, lines);
  for (const auto& [name, count] : kinds.items())
    context.out << fmt::format("  {:<14} {}\n", name, count.get<int64_t>());
}

}  // namespace

void add_corpus_commands(CLI::App& app, CommandContext& context) {
  CLI::App* corpus = app.add_subcommand("corpus", "Work on texts to train from");
  corpus->require_subcommand(1);
  const auto options = std::make_shared<NoiseCommandOptions>();
  CLI::App* command =
      corpus->add_subcommand("noise", "Write Korean lines beside the same lines with mistakes");
  command->add_option("-i,--input", options->input, "Clean text, a line each (may be .gz, .xz)")
      ->required()
      ->check(CLI::ExistingFile);
  command
      ->add_option("-o,--output", options->output,
                   ".jsonl: clean, noisy and where they differ; else clean, tab, noisy")
      ->required();
  command->add_option("--rate", options->noise.rate, "Share of words that get a mistake")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Same seed, same mistakes");
  command->callback([&context, options] { write_noise(context, *options); });
}

}  // namespace onmal
