#include "cli/corpus_commands.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <ostream>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "cli/json_output.h"
#include "cli/prepare_command.h"
#include "corpus/clean_sentences.h"
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

struct SentencesCommandOptions {
  std::string corpus, data, output, heldout;
  SentenceOptions how;
};

void write_sentences(CommandContext& context, const SentencesCommandOptions& options) {
  const Corpus corpus = load_corpus(options.corpus, options.data);
  const SentenceReport report =
      write_clean_sentences(corpus, options.how, options.output, options.heldout);
  Json faults = Json::object();
  for (size_t i = 1; i < kSentenceFaults; ++i)
    faults[std::string(sentence_fault_name(static_cast<SentenceFault>(i)))] = report.faults[i];
  if (context.json) {
    print_json(context, {{"documents", report.documents},
                         {"train", report.train},
                         {"heldout", report.heldout},
                         {"repeated", report.repeated},
                         {"dropped", faults}});
    return;
  }
  context.out << fmt::format("{} documents: {} sentences to learn from, {} held out, {} repeated\n",
                             report.documents, report.train, report.heldout, report.repeated);
  for (const auto& [name, count] : faults.items())
    context.out << fmt::format("  {:<14} {}\n", name, count.get<int64_t>());
}

void add_sentences_command(CLI::App& corpus, CommandContext& context) {
  const auto options = std::make_shared<SentencesCommandOptions>();
  CLI::App* command = corpus.add_subcommand(
      "sentences", "Write the well-written Korean sentences of a corpus, a line each");
  command->add_option("--corpus", options->corpus, "Corpus description (.toml)")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--data", options->data, "Folder that its paths start from")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("-o,--output", options->output, "Sentences to learn from")->required();
  command->add_option("--heldout", options->heldout, "Sentences of held-out documents")->required();
  command
      ->add_option("--heldout-permille", options->how.heldout_permille,
                   "Documents held out, in a thousand, by a hash of their text")
      ->check(CLI::Range(1, 500))
      ->capture_default_str();
  command->callback([&context, options] { write_sentences(context, *options); });
}

}  // namespace

void add_corpus_commands(CLI::App& app, CommandContext& context) {
  CLI::App* corpus = app.add_subcommand("corpus", "Work on texts to train from");
  corpus->require_subcommand(1);
  add_prepare_command(*corpus, context);
  add_sentences_command(*corpus, context);
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
