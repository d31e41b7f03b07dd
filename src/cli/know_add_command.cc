#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/know_commands.h"
#include "cli/know_store_options.h"
#include "knowledge/add_files.h"

namespace onmal {
namespace {

struct KnowAddOptions {
  KnowStoreOptions store;
  std::vector<std::string> paths;
  AddOptions how;
  int watch_seconds = 0;
  uint64_t batch_kb = 16384;
};

Json report_json(const AddReport& report, double seconds) {
  Json refused = Json::array();
  for (const RefusedFile& file : report.refused)
    refused.push_back({{"path", file.path}, {"reason", file.reason}});
  return {{"added", report.added},
          {"changed", report.changed},
          {"unchanged", report.unchanged},
          {"removed", report.removed},
          {"chunks", report.chunks},
          {"text_bytes", report.text_bytes},
          {"vectors_made", report.vectors_made},
          {"vectors_kept", report.vectors_kept},
          {"refused", std::move(refused)},
          {"seconds", seconds}};
}

void show_progress(CommandContext& context, const Timer& timer, const AddProgress& done) {
  if (!context.err_is_terminal) return;
  const double share = done.all_bytes == 0
                           ? 1
                           : static_cast<double>(done.bytes) / static_cast<double>(done.all_bytes);
  const double left = share > 0 ? timer.seconds() * (1 / share - 1) : 0;
  context.err << fmt::format("\r{} of {} files, {:.0f} s left   {}", done.files, done.all_files,
                             left, done.files == done.all_files ? "\n" : "")
              << std::flush;
}

void add_once(CommandContext& context, KnowledgeStore& store, Embedder* embedder, ThreadPool& pool,
              const KnowAddOptions& options, bool quiet_when_unchanged) {
  const Timer timer;
  const std::vector<std::filesystem::path> paths(options.paths.begin(), options.paths.end());
  const AddReport report = add_files(
      store, embedder, pool, paths, options.how,
      [&](const AddProgress& done) {
        if (!quiet_when_unchanged) show_progress(context, timer, done);
      },
      context.interrupts.token());
  const double seconds = timer.seconds();
  if (quiet_when_unchanged && report.added + report.changed + report.removed == 0) return;
  if (context.json) return print_json(context, report_json(report, seconds));
  for (const RefusedFile& file : report.refused)
    context.err << fmt::format("not read: {}\n", file.reason);
  context.out << fmt::format(
                     "{} documents added, {} changed, {} unchanged, {} removed, {} not read; "
                     "{} new passages of {:.1f} MB in {:.1f} s\n",
                     report.added, report.changed, report.unchanged, report.removed,
                     report.refused.size(), report.chunks,
                     static_cast<double>(report.text_bytes) / 1e6, seconds)
              << std::flush;
}

// False when an interrupt ended the wait.
bool wait(const std::stop_token& stop, int seconds) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::seconds(seconds), [] { return false; });
  return !stop.stop_requested();
}

void add(CommandContext& context, const KnowAddOptions& options) {
  ThreadPool pool(context.threads);
  const std::unique_ptr<KnowledgeStore> store = open_store(options.store, false);
  const std::unique_ptr<Embedder> embedder = open_embedder(options.store, *store, pool);
  add_once(context, *store, embedder.get(), pool, options, false);
  if (options.watch_seconds == 0) return;
  while (wait(context.interrupts.token(), options.watch_seconds))
    add_once(context, *store, embedder.get(), pool, options, true);
}

}  // namespace

void add_know_add_command(CLI::App& know, CommandContext& context) {
  const auto options = std::make_shared<KnowAddOptions>();
  CLI::App* command = know.add_subcommand(
      "add", "Read documents into a store; what is there unchanged is passed over");
  command->add_option("paths", options->paths, "Files and folders")->required();
  add_know_store_options(*command, options->store, false);
  command->add_option("--collection", options->how.collection, "The collection they belong to")
      ->capture_default_str();
  command
      ->add_option("--label", options->how.labels,
                   "Only for those who hold it (may be given several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_flag("--sync", options->how.remove_missing,
                    "Remove documents of these folders whose files are gone");
  command
      ->add_option("--watch", options->watch_seconds,
                   "Look again every so many seconds, until Ctrl-C")
      ->check(CLI::Range(1, 86400));
  command->add_option("--chunk-tokens", options->how.chunk.most_tokens, "Of a passage, at most")
      ->capture_default_str();
  command
      ->add_option("--overlap-tokens", options->how.chunk.overlap_tokens,
                   "Of the passage before, that one begins with")
      ->capture_default_str();
  command
      ->add_option("--batch-kb", options->batch_kb, "Of files that are committed together, about")
      ->check(CLI::Range(1, 4'000'000))
      ->capture_default_str();
  command->callback([&context, options] {
    options->how.batch_bytes = options->batch_kb * 1024;
    add(context, *options);
  });
}

}  // namespace onmal
