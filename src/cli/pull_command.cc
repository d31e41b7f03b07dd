#include "cli/pull_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "hub/pull.h"

namespace onmal {
namespace {

struct PullCommandOptions {
  std::string reference;
  std::string revision;
  PullOptions pull;
  std::string output;
  int retries = 5;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string size_text(uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.2f} GB", value / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} kB", value / 1e3);
}

std::string time_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e7));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return whole >= 60 ? fmt::format("{} min {:02} s", whole / 60, whole % 60)
                     : fmt::format("{} s", whole);
}

// A line that is rewritten on a terminal; in a pipe a line a file.
class ProgressLine : public PullProgress {
 public:
  explicit ProgressLine(CommandContext& context) : context_(context) {}

  void begin(const HubFile& file, size_t index, size_t count) override {
    name_ = fmt::format("[{}/{}] {}", index + 1, count, file.name);
    for (char& c : name_) c = static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    timer_.restart();
    first_bytes_ = 0;
    begun_ = false;
    shown_ = -1;
  }

  void bytes(uint64_t bytes, uint64_t total) override {
    if (!begun_) first_bytes_ = bytes;
    begun_ = true;
    constexpr double kEvery = 0.2;
    const double now = timer_.seconds();
    if (!context_.err_is_terminal || now - shown_ < kEvery) return;
    shown_ = now;
    const double speed =
        now > 0.5 ? static_cast<double>(bytes - std::min(bytes, first_bytes_)) / now : 0;
    std::string line = fmt::format("{}: {}", name_, size_text(bytes));
    if (total > 0) line += fmt::format(" of {} ({}%)", size_text(total), bytes * 100 / total);
    if (speed > 0) line += fmt::format(", {}/s", size_text(static_cast<uint64_t>(speed)));
    if (speed > 0 && total > bytes)
      line += ", " + time_text(static_cast<double>(total - bytes) / speed) + " left";
    context_.err << "\r\x1b[K" << line << std::flush;
  }

  void end(const DownloadedFile& file) override {
    context_.err << (context_.err_is_terminal ? "\r\x1b[K" : "") << name_ << ": "
                 << size_text(file.bytes) << (file.was_there ? ", there already" : "") << "\n"
                 << std::flush;
  }

 private:
  CommandContext& context_;
  std::string name_;
  Timer timer_;
  uint64_t first_bytes_ = 0;
  bool begun_ = false;
  double shown_ = -1;
};

void pull_command(CommandContext& context, PullCommandOptions options) {
  HubReference reference = parse_hub_reference(options.reference);
  if (!options.revision.empty()) reference.revision = options.revision;
  PullOptions& pull_options = options.pull;
  if (const std::string endpoint = environment("HF_ENDPOINT"); !endpoint.empty())
    pull_options.base_url = endpoint;
  while (pull_options.base_url.ends_with('/')) pull_options.base_url.pop_back();
  pull_options.download.token = environment("HF_TOKEN");
  if (pull_options.download.token.find_first_of("\r\n") != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument, "HF_TOKEN", "holds a line break",
                "set it to the token alone");
  }
  pull_options.download.most_retries = options.retries;
  const std::string name = reference.repository.substr(reference.repository.find('/') + 1);
  pull_options.output =
      !options.output.empty() ? options.output : (reference.file.empty() ? name : ".");
  HttpClient client;
  ProgressLine progress(context);
  const std::vector<DownloadedFile> files =
      pull(client, reference, pull_options, progress, context.interrupts.token());
  if (context.json) {
    Json list = Json::array();
    for (const DownloadedFile& file : files) {
      list.push_back(
          {{"path", file.path.string()}, {"sha256", file.sha256}, {"bytes", file.bytes}});
    }
    print_json(context, {{"files", list}});
    return;
  }
  for (const DownloadedFile& file : files)
    context.out << file.sha256 << "  " << file.path.string() << "\n";
}

}  // namespace

void add_pull_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<PullCommandOptions>();
  CLI::App* command =
      app.add_subcommand("pull", "Fetch a model; run it again to go on after a break");
  command
      ->add_option("model", options->reference,
                   "hf:ORG/REPO, hf:ORG/REPO@REVISION, hf:ORG/REPO/FILE")
      ->required();
  command->add_option("-o,--output", options->output,
                      "Folder to put the files in; by default REPO, or here for a FILE");
  command->add_option("--revision", options->revision,
                      "A branch, tag or commit, where '@' does not serve");
  command
      ->add_option("--include", options->pull.include,
                   "Only files that fit, e.g. '*q4_k_m*.gguf' (several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_option("--sha256", options->pull.sha256, "The checksum that the one file must have")
      ->check([](const std::string& text) {
        const bool right = text.size() == 64 &&
                           text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
        return right ? std::string() : std::string("must be 64 hexadecimal digits");
      });
  command
      ->add_option("--retries", options->retries,
                   "Tries in a row without progress before giving up")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command
      ->add_option("--retry-wait", options->pull.download.retry_milliseconds,
                   "Milliseconds before the first new try")
      ->check(CLI::Range(0, 60000))
      ->capture_default_str();
  command->footer("HF_ENDPOINT: another server; HF_TOKEN: a token for what is not public.");
  command->callback([&context, options] { pull_command(context, *options); });
}

}  // namespace onmal
