#include <fmt/format.h>

#include <charconv>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/words_commands.h"
#include "words/train_words.h"
#include "words/word_file.h"

namespace onmal {
namespace {

struct WordsTrainOptions {
  std::vector<std::string> inputs;
  SourceFormat format = SourceFormat::kLines;
  std::vector<std::string> fields;
  std::string output;
  int64_t min_count = 5;
  WordRules rules;
  std::string char_ngrams = "3-6";
  std::string jamo_ngrams = "3-5";
  WordTrainingOptions training;
};

// "3-6", or "0" for none.
void parse_lengths(const std::string& text, const char* option, int& least, int& most) {
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, least);
  bool good = first.ec == std::errc();
  most = least;
  if (good && first.ptr != end) {
    const auto second = std::from_chars(first.ptr + 1, end, most);
    good = *first.ptr == '-' && second.ec == std::errc() && second.ptr == end;
  }
  if (!good || least < 0 || most < least)
    throw CLI::ValidationError(option, "give lengths such as 3-6, or 0 for none");
}

std::vector<Source> sources_of(const WordsTrainOptions& options) {
  std::vector<Source> sources;
  for (const std::string& input : options.inputs) {
    Source source;
    source.path = input;
    source.format = options.format;
    source.fields = options.fields;
    sources.push_back(source);
  }
  return sources;
}

void show(CommandContext& context, const WordTrainingProgress& progress) {
  if (!context.err_is_terminal) return;
  context.err << fmt::format("\r{:5.1f} %  {:.0f} words/s  loss {:.4f}  {:.0f} s left   ",
                             100 * progress.done,
                             static_cast<double>(progress.words) / progress.seconds, progress.loss,
                             progress.seconds * (1 / progress.done - 1))
              << std::flush;
}

void train(CommandContext& context, WordsTrainOptions& options) {
  SubwordOptions& subwords = options.training.subwords;
  parse_lengths(options.char_ngrams, "--char-ngrams", subwords.char_least, subwords.char_most);
  parse_lengths(options.jamo_ngrams, "--jamo-ngrams", subwords.jamo_least, subwords.jamo_most);
  const std::stop_token stop = context.interrupts.token();
  const Timer whole;
  const WordCorpus corpus =
      read_word_corpus(sources_of(options), options.rules, options.min_count, stop);
  context.err << fmt::format(
      "{} words, {} of them different and frequent enough, read in {:.1f} s\n", corpus.tokens,
      corpus.words.size(), whole.seconds());
  ThreadPool pool(context.threads);
  WordTrainingProgress last = {};
  const Timer timer;
  WordVectors vectors = train_word_vectors(
      corpus, options.training, pool,
      [&](const WordTrainingProgress& progress) {
        last = progress;
        show(context, progress);
      },
      stop);
  if (context.err_is_terminal) context.err << "\n";
  const double seconds = timer.seconds();
  if (options.rules.lowercase) {
    vectors = WordVectors(vectors.dim(), vectors.words(), vectors.values(), vectors.counts(),
                          vectors.subwords(), true);
  }
  const WordFileFormat format = word_format_of(options.output);
  write_word_vectors(options.output, vectors, format);
  const double speed = static_cast<double>(last.words) / seconds;
  if (format != WordFileFormat::kOnmal && subwords.any())
    context.err << "this format holds no parts of words: unknown words will have no vectors\n";
  if (context.json) {
    print_json(context, {{"output", options.output},
                         {"vocabulary", corpus.words.size()},
                         {"dimensions", vectors.dim()},
                         {"subwords", vectors.subwords().buckets.size()},
                         {"tokens", corpus.tokens},
                         {"words_per_s", speed},
                         {"loss", last.loss},
                         {"seconds", whole.seconds()}});
  } else {
    context.out << fmt::format("{}: {} words, {} parts, {:.0f} words/s, loss {:.4f}, {:.1f} s\n",
                               options.output, vectors.size(), vectors.subwords().buckets.size(),
                               speed, last.loss, whole.seconds());
  }
}

void add_text_options(CLI::App& command, WordsTrainOptions& options) {
  command.add_option("-i,--input", options.inputs, "Texts (may be .gz or .xz)")
      ->required()
      ->check(CLI::ExistingFile);
  const std::map<std::string, SourceFormat> formats = {
      {"lines", SourceFormat::kLines}, {"paragraphs", SourceFormat::kParagraphs},
      {"json", SourceFormat::kJson},   {"jsonl", SourceFormat::kJsonLines},
      {"tsv", SourceFormat::kTsv},     {"csv", SourceFormat::kCsv}};
  command.add_option("--format", options.format, "What the texts are")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case)
                      .description("{lines,paragraphs,json,jsonl,tsv,csv}"));
  command.add_option("--field", options.fields, "Field or column that holds the text");
  const std::map<std::string, WordSplit> splits = {{"letters", WordSplit::kLetters},
                                                   {"whitespace", WordSplit::kWhiteSpace}};
  command
      .add_option("--split", options.rules.split,
                  "letters: runs of letters and digits; whitespace: what stands between spaces")
      ->transform(
          CLI::CheckedTransformer(splits, CLI::ignore_case).description("{letters,whitespace}"));
  command.add_flag("--lowercase", options.rules.lowercase, "Fold capital letters");
  command.add_option("--min-count", options.min_count, "Leave out words rarer than this")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
}

}  // namespace

void add_words_train_command(CLI::App& words, CommandContext& context) {
  const auto options = std::make_shared<WordsTrainOptions>();
  WordTrainingOptions& training = options->training;
  CLI::App* command =
      words.add_subcommand("train", "Learn word vectors from texts (skip-gram or CBOW)");
  add_text_options(*command, *options);
  command
      ->add_option("-o,--output", options->output,
                   "Where to: .vec or .txt (text), .bin (word2vec), else a file with word parts")
      ->required();
  const std::map<std::string, WordObjective> objectives = {{"skipgram", WordObjective::kSkipGram},
                                                           {"cbow", WordObjective::kCbow}};
  command->add_option("--objective", training.objective, "What is foretold from what")
      ->transform(
          CLI::CheckedTransformer(objectives, CLI::ignore_case).description("{skipgram,cbow}"));
  command->add_option("--dim", training.dim, "Numbers in a vector")
      ->check(CLI::Range(int64_t{1}, int64_t{65536}))
      ->capture_default_str();
  command->add_option("--epochs", training.epochs, "Times over the text")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--window", training.window, "Most neighbours on each side")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--negatives", training.negatives, "Wrong words for each right one")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--subsample", training.subsample,
                   "Skip words of a higher share at times; 0: never")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--lr", training.learning_rate, "Learning rate at the start")
      ->check(CLI::Range(1e-9, 100.0))
      ->capture_default_str();
  command->add_option("--char-ngrams", options->char_ngrams, "Lengths of parts in characters, or 0")
      ->capture_default_str();
  command->add_option("--jamo-ngrams", options->jamo_ngrams, "Lengths of parts in jamo, or 0")
      ->capture_default_str();
  command->add_option("--buckets", training.subwords.buckets, "Numbers that parts are hashed to")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31))
      ->capture_default_str();
  command->add_option("--seed", training.seed, "Same seed, same vectors");
  command->callback([&context, options] { train(context, *options); });
}

}  // namespace onmal
