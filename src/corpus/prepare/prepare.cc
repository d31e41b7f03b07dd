#include "corpus/prepare/prepare.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "corpus/prepare/passes.h"
#include "corpus/prepare/report.h"
#include "corpus/prepare/run_folder.h"
#include "corpus/prepare/run_identity.h"

namespace onmal {
namespace {

constexpr uint64_t kLeastMemory = uint64_t{64} << 20;
constexpr uint64_t kThreadMemory = uint64_t{20} << 20;  // batches under way

void check(const PrepareOptions& options) {
  const auto refuse = [](const std::string& what, const std::string& hint) {
    throw Error(ErrorCode::kInvalidArgument, "prepare", what, hint);
  };
  if (options.sources.empty()) refuse("there is no source", "name files or a description");
  if (options.threads < 1) refuse("no thread may work", "allow one");
  if (options.memory_bytes < kLeastMemory)
    refuse("less than 64 MiB of memory", "allow more with --memory");
  if (options.part_bytes < 1 || options.most_document_bytes < 1 ||
      options.most_document_bytes > (uint64_t{1} << 30))
    refuse("sizes of parts or documents make no sense", "documents of at most 1 GiB");
  if (options.heldout_permille < 0 || options.heldout_permille > 1000)
    refuse("held-out documents in a thousand", "0 to 1000");
}

// What is left of the allowance for stages, beside what threads hold.
PrepareOptions with_stage_memory(const PrepareOptions& options) {
  PrepareOptions inner = options;
  const uint64_t threads = std::min(options.memory_bytes / 2, kThreadMemory * options.threads);
  inner.memory_bytes = options.memory_bytes - threads;
  return inner;
}

RunFolder::Done run_passes(const PrepareRun& run) {
  RunFolder::Done done;
  ExactDuplicates exact({run.folder.work(), run.options.memory_bytes / 5});
  const ReadParts parts = read_parts(run, exact);
  const Decisions decisions = decide(run, parts, exact);
  done.counts = parts.counts;
  const PartCounts written = write_shards(run, parts, decisions);
  done.counts.merge(written);
  done.near_compared = decisions.near_compared;
  done.near_clusters = decisions.near_clusters;
  done.repeated_paragraphs = decisions.repeated.size();
  return done;
}

}  // namespace

PrepareReport prepare_corpus(const PrepareOptions& options, const PrepareCallbacks& callbacks,
                             const std::stop_token& stop) {
  check(options);
  const PrepareOptions inner = with_stage_memory(options);
  const RunFolder folder(options.output, run_identity(options), options.samples, options.fresh);
  const PrepareRun run = {inner, callbacks, stop, folder};
  std::optional<RunFolder::Done> done = folder.done_state();
  PrepareReport report;
  report.was_done = done.has_value();
  if (!done) done = run_passes(run);
  report.counts = done->counts;
  for (const auto& [source, counts] : report.counts.sources) report.totals += counts;
  report.near_compared = done->near_compared;
  report.near_clusters = done->near_clusters;
  report.repeated_paragraphs = done->repeated_paragraphs;
  if (report.was_done) return report;
  write_file(folder.output() / "report.json", write_report_json(options, report));
  write_file(folder.output() / "report.html", write_report_page(options, report));
  folder.save_done_state(*done);
  folder.drop_work();
  return report;
}

}  // namespace onmal
