#include "cli/prepare_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "base/timer.h"
#include "cli/content_check.h"
#include "cli/json_output.h"
#include "corpus/prepare/prepare.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

struct PrepareCommandOptions {
  std::vector<std::string> paths, evaluation, languages;
  std::string corpus, data = ".", tokenizer;
  ContentCheckOptions content;
  PrepareOptions prepare;
};

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// Prints how far the run is, and what it passed over.
class Teller {
 public:
  explicit Teller(CommandContext& context) : context_(context) {}

  void tell(const PrepareProgress& progress) {
    constexpr double kPlainEvery = 10;  // seconds, where no terminal redraws a line
    if (progress.stage != stage_) {
      end_line();
      stage_ = progress.stage;
      printed_ = -kPlainEvery;
    }
    const bool last = progress.done == progress.total;
    if (!context_.err_is_terminal && !last && progress.seconds - printed_ < kPlainEvery) return;
    printed_ = progress.seconds;
    const double share = progress.total == 0 ? 1
                                             : static_cast<double>(progress.done) /
                                                   static_cast<double>(progress.total);
    const double done = share - progress.resumed;
    const double left = done > 0 ? progress.seconds / done * (1 - share) : 0;
    context_.err << (context_.err_is_terminal ? "\r" : "")
                 << fmt::format("{:<8}{:3.0f} %  {} documents  {:.0f} MB  {:.1f} MB/s  {} left",
                                progress.stage, 100 * share, progress.documents,
                                static_cast<double>(progress.text_bytes) / 1e6,
                                static_cast<double>(progress.text_bytes) / 1e6 /
                                    std::max(progress.seconds, 1e-3),
                                duration(left))
                 << (context_.err_is_terminal ? "   " : "\n") << std::flush;
    open_ = context_.err_is_terminal;
  }

  void tell(const PrepareFault& fault) {
    if (++faults_ > kMostFaults) return;
    end_line();
    context_.err << fmt::format("{}{}: {}\n", fault.file,
                                fault.record > 0 ? fmt::format(", record {}", fault.record) : "",
                                fault.what);
  }

  void notice(std::string_view text) {
    end_line();
    context_.err << text << '\n';
  }

  void finish() {
    end_line();
    if (faults_ > kMostFaults)
      context_.err << fmt::format("and {} more; see the report\n", faults_ - kMostFaults);
  }

 private:
  static constexpr uint64_t kMostFaults = 100;

  void end_line() {
    if (open_) context_.err << '\n';
    open_ = false;
  }

  CommandContext& context_;
  std::string stage_;
  double printed_ = 0;
  bool open_ = false;
  uint64_t faults_ = 0;
};

Json counts_json(SourceCounts counts) {
  Json json = Json::object();
  counts.for_each([&](std::string_view stage, std::string_view name, Count& count) {
    if (!stage.empty() && count == Count{}) return;
    (stage.empty() ? json : json[std::string(stage)])[std::string(name)] = {{"items", count.items},
                                                                            {"bytes", count.bytes}};
  });
  json["train_tokens"] = counts.train_tokens;
  json["heldout_tokens"] = counts.heldout_tokens;
  return json;
}

void print_report(CommandContext& context, const PrepareCommandOptions& options,
                  const PrepareReport& report, double seconds) {
  const SourceCounts& totals = report.totals;
  if (context.json) {
    Json json = counts_json(totals);
    json["near_clusters"] = report.near_clusters;
    json["seconds"] = seconds;
    json["was_done"] = report.was_done;
    json["output"] = options.prepare.output.string();
    return print_json(context, json);
  }
  const auto line = [&](std::string_view name, const Count& count) {
    if (count.items > 0)
      context.out << fmt::format("{:<24}{:>12}{:>12.2f} MB\n", name, count.items,
                                 static_cast<double>(count.bytes) / 1e6);
  };
  line("read", totals.read);
  line("faults", totals.faults);
  SourceCounts copy = totals;
  copy.for_each([&](std::string_view stage, std::string_view name, Count& count) {
    if (stage == "dropped" || stage == "cut" || stage == "masked")
      line(fmt::format("  {}", name), count);
  });
  line("tagged", totals.tagged);
  line("train", totals.train);
  line("held out", totals.heldout);
  if (totals.train_tokens > 0)
    context.out << fmt::format("tokens: {} to train from, {} held out\n", totals.train_tokens,
                               totals.heldout_tokens);
  context.out << fmt::format("{}: text/, {}report.json, report.html{}\n",
                             options.prepare.output.string(),
                             options.tokenizer.empty() ? "" : "train.tok, heldout.tok, ",
                             report.was_done ? " (done before)" : "");
}

Language language_named(const std::string& name) {
  std::string known;
  for (size_t i = 0; i < kLanguages; ++i) {
    const auto language = static_cast<Language>(i);
    if (language_name(language) == name) return language;
    known += (i == 0 ? "" : ", ") + std::string(language_name(language));
  }
  throw CLI::ValidationError("--language", "'" + name + "' is none of " + known);
}

void prepare(CommandContext& context, PrepareCommandOptions& options) {
  if (options.paths.empty() == options.corpus.empty())
    throw CLI::ValidationError("PATH", "name files and folders, or a description with --corpus");
  PrepareOptions& prepare = options.prepare;
  const std::vector<std::filesystem::path> paths(options.paths.begin(), options.paths.end());
  prepare.sources = options.corpus.empty() ? prepare_sources_of(paths)
                                           : load_prepare_sources(options.corpus, options.data);
  prepare.evaluation.assign(options.evaluation.begin(), options.evaluation.end());
  for (const std::string& name : options.languages)
    prepare.languages.push_back(language_named(name));
  set_content_check(options.content, prepare);
  std::unique_ptr<BpeTokenizer> tokenizer;
  if (!options.tokenizer.empty()) tokenizer = load_tokenizer_json(options.tokenizer);
  prepare.tokenizer = tokenizer.get();
  prepare.threads = context.threads > 0 ? static_cast<size_t>(context.threads)
                                        : std::max(1U, std::thread::hardware_concurrency());
  Teller teller(context);
  PrepareCallbacks callbacks;
  callbacks.on_progress = [&](const PrepareProgress& progress) { teller.tell(progress); };
  callbacks.on_fault = [&](const PrepareFault& fault) { teller.tell(fault); };
  callbacks.on_notice = [&](std::string_view text) { teller.notice(text); };
  const Timer timer;
  const PrepareReport report = prepare_corpus(prepare, callbacks, context.interrupts.token());
  teller.finish();
  print_report(context, options, report, timer.seconds());
}

void add_limits(CLI::App& command, PrepareOptions& prepare) {
  command
      .add_option("--memory", prepare.memory_bytes,
                  "What may be held in memory, 512MB for instance; the rest goes to the disk")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1GB");
  command
      .add_option("--part-size", prepare.part_bytes,
                  "Bytes of text in a part: what a killed run loses at most")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("64MB");
  command
      .add_option("--longest-document", prepare.most_document_bytes,
                  "Documents and lines beyond so many bytes are passed over")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("8MB");
  command
      .add_option("--near", prepare.near_threshold,
                  "Similarity from which documents are nearly equal")
      ->check(CLI::Range(0.3, 1.0))
      ->capture_default_str();
  command
      .add_option("--most-repeats", prepare.most_paragraph_documents,
                  "Paragraphs in more documents are removed")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  command
      .add_option("--heldout-permille", prepare.heldout_permille,
                  "Documents in a thousand kept out of training")
      ->check(CLI::Range(0, 500))
      ->capture_default_str();
  command.add_option("--samples", prepare.samples, "Samples of each rule in the report")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command.add_flag("--fresh", prepare.fresh, "Forget what an earlier run left in the folder");
}

}  // namespace

void add_prepare_command(CLI::App& corpus, CommandContext& context) {
  const auto options = std::make_shared<PrepareCommandOptions>();
  CLI::App* command = corpus.add_subcommand(
      "prepare", "Clean, deduplicate and pack texts to train from; goes on where it stopped");
  command
      ->add_option(
          "PATH", options->paths,
          "Files and folders: .txt .md .jsonl .json .csv .tsv .html .warc .wet, also packed")
      ->check(CLI::ExistingPath);
  command->add_option("--corpus", options->corpus, "Corpus description (.toml) instead")
      ->check(CLI::ExistingFile);
  command->add_option("--data", options->data, "Folder that its paths start from")
      ->check(CLI::ExistingDirectory);
  command->add_option("-o,--output", options->prepare.output, "Folder for shards and report")
      ->required();
  command
      ->add_option("-t,--tokenizer", options->tokenizer, "tokenizer.json: write token shards, too")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--evaluation", options->evaluation,
                   "Evaluation sets: documents that share text with them are dropped")
      ->check(CLI::ExistingFile);
  command->add_option("--language", options->languages,
                      "Keep these alone: korean, english, japanese, chinese, other, code, none");
  add_content_check_options(*command, options->content);
  add_limits(*command, options->prepare);
  command->callback([&context, options] { prepare(context, *options); });
}

}  // namespace onmal
