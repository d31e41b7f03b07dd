#include "corpus/prepare/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kMostStateBytes = uint64_t{1} << 28;

std::string key_of(std::string_view stage, std::string_view name) {
  return (stage.empty() ? "" : std::string(stage) + "/") + std::string(name);
}

Json to_json(const Count& count) { return Json::array({count.items, count.bytes}); }
void from_json(const Json& json, Count& count) {
  count = {json.at(0).get<uint64_t>(), json.at(1).get<uint64_t>()};
}

Json to_json(SourceCounts counts) {
  Json json = {{"train_tokens", counts.train_tokens}, {"heldout_tokens", counts.heldout_tokens}};
  counts.for_each([&](std::string_view stage, std::string_view name, Count& count) {
    if (count != Count{}) json[key_of(stage, name)] = to_json(count);
  });
  return json;
}

SourceCounts source_counts_of(const Json& json) {
  SourceCounts counts;
  counts.train_tokens = json.at("train_tokens").get<uint64_t>();
  counts.heldout_tokens = json.at("heldout_tokens").get<uint64_t>();
  counts.for_each([&](std::string_view stage, std::string_view name, Count& count) {
    const auto found = json.find(key_of(stage, name));
    if (found != json.end()) from_json(*found, count);
  });
  return counts;
}

Json to_json(const PartCounts& counts) {
  Json sources = Json::object();
  for (const auto& [source, one] : counts.sources) sources[std::to_string(source)] = to_json(one);
  Json samples = Json::object();
  for (const auto& [rule, list] : counts.samples.by_rule()) {
    for (const Sample& sample : list)
      samples[rule].push_back({sample.rank, sample.file, sample.record, sample.text});
  }
  Json faults = Json::array();
  for (const PrepareFault& fault : counts.faults)
    faults.push_back({fault.file, fault.record, fault.what});
  Json sets = Json::object();
  for (const auto& [set, count] : counts.contaminated) sets[set] = to_json(count);
  return {{"sources", sources}, {"samples", samples}, {"faults", faults}, {"sets", sets}};
}

PartCounts part_counts_of(const Json& json, size_t most_samples) {
  PartCounts counts;
  counts.samples = Samples(most_samples);
  for (const auto& [source, one] : json.at("sources").items())
    counts.sources[static_cast<uint32_t>(std::stoul(source))] = source_counts_of(one);
  for (const auto& [rule, list] : json.at("samples").items()) {
    for (const Json& one : list) {
      counts.samples.add(rule, {one.at(0).get<uint64_t>(), one.at(1).get<std::string>(),
                                one.at(2).get<uint64_t>(), one.at(3).get<std::string>()});
    }
  }
  for (const Json& one : json.at("faults")) {
    counts.faults.push_back(
        {one.at(0).get<std::string>(), one.at(1).get<uint64_t>(), one.at(2).get<std::string>()});
  }
  for (const auto& [set, count] : json.at("sets").items())
    from_json(count, counts.contaminated[set]);
  return counts;
}

Json to_json(const ReadCursor& cursor) {
  return {cursor.source,       cursor.file,         cursor.events, cursor.seen_before,
          cursor.bytes_before, cursor.packed_bytes, cursor.ended};
}

ReadCursor cursor_of(const Json& json) {
  return {json.at(0).get<uint32_t>(), json.at(1).get<uint32_t>(), json.at(2).get<uint64_t>(),
          json.at(3).get<uint64_t>(), json.at(4).get<uint64_t>(), json.at(5).get<uint64_t>(),
          json.at(6).get<bool>()};
}

void save(const fs::path& path, const Json& json) {
  write_file(path, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

// Calls take(json) for the file's content; false where it is missing.
template <typename Take>
bool load(const fs::path& path, const Take& take) {
  if (!fs::exists(path)) return false;
  try {
    take(Json::parse(read_file(path, kMostStateBytes)));
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kBadFile, path.string(),
                std::string("is not as it was written: ") + error.what(),
                "prepare the corpus from the beginning with --fresh");
  }
  return true;
}

bool is_result(std::string_view name) {
  return name == "train.tok" || name == "heldout.tok" || name == "report.json" ||
         name == "report.html";
}

bool is_shard(std::string_view name) {
  const size_t digits = name.find_first_not_of("0123456789");
  return digits > 0 && digits != std::string_view::npos && name.substr(digits) == ".jsonl";
}

}  // namespace

RunFolder::RunFolder(fs::path output, const std::string& identity, size_t samples, bool fresh)
    : output_(std::move(output)), samples_(samples) {
  std::error_code error;
  for (const char* name : {"work", "text", "heldout"}) {
    fs::create_directories(output_ / name, error);
    if (error)
      throw Error(ErrorCode::kIo, (output_ / name).string(), "cannot make it: " + error.message());
  }
  lock_ = ::open((work() / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (lock_ >= 0) ::close(lock_);
    throw Error(ErrorCode::kIo, output_.string(),
                reason == EWOULDBLOCK ? "another process is at work there"
                                      : std::string("cannot lock it: ") + std::strerror(reason));
  }
  const fs::path name = work() / "run.json";
  if (fresh) clear_work(true);
  clear_work(false);
  if (!fs::exists(name)) {
    write_file(name, identity);
  } else if (read_file(name, kMostStateBytes) != identity) {
    ::close(lock_);
    throw Error(ErrorCode::kInvalidArgument, output_.string(),
                "holds another run: its sources or options differ",
                "choose another folder, or begin anew with --fresh");
  }
}

RunFolder::~RunFolder() { ::close(lock_); }

// All that runs have left, or only files that a killed one has not finished. Nothing that could be
// somebody else's.
void RunFolder::clear_work(bool all) const {
  std::error_code error;
  for (const std::string_view name : {"work", "text", "heldout", "."}) {
    for (fs::directory_iterator it(output_ / name, error), end; !error && it != end;
         it.increment(error)) {
      const std::string file = it->path().filename().string();
      const size_t part = file.find(".part-");
      const std::string whole = file.substr(0, part);
      const bool ours = name == "work" ? file != "lock"
                        : name == "."  ? is_result(whole)
                                       : is_shard(whole);
      if (ours && it->is_regular_file(error) && (all || part != std::string::npos))
        fs::remove(it->path(), error);
    }
  }
}

fs::path RunFolder::numbered(const char* name, uint64_t number, const char* ending) const {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%05llu", static_cast<unsigned long long>(number));
  return output_ / (std::string(name) + digits + ending);
}

fs::path RunFolder::part(uint64_t number) const { return numbered("work/part-", number, ".docs"); }
fs::path RunFolder::text_shard(uint64_t number) const {
  return numbered("text/", number, ".jsonl");
}
fs::path RunFolder::heldout_shard(uint64_t number) const {
  return numbered("heldout/", number, ".jsonl");
}
fs::path RunFolder::token_shard(uint64_t number, bool heldout) const {
  return numbered(heldout ? "work/heldout-" : "work/train-", number, ".tok");
}

std::optional<PartState> RunFolder::read_state(uint64_t number) const {
  PartState state;
  const bool found = load(numbered("work/part-", number, ".json"), [&](const Json& json) {
    state.documents = json.at("documents").get<uint64_t>();
    state.bytes = json.at("bytes").get<uint64_t>();
    state.end = cursor_of(json.at("end"));
    state.counts = part_counts_of(json.at("counts"), samples_);
  });
  return found ? std::optional(std::move(state)) : std::nullopt;
}

void RunFolder::save_read_state(uint64_t number, const PartState& state) const {
  save(numbered("work/part-", number, ".json"), {{"documents", state.documents},
                                                 {"bytes", state.bytes},
                                                 {"end", to_json(state.end)},
                                                 {"counts", to_json(state.counts)}});
}

std::optional<PartCounts> RunFolder::written_state(uint64_t number) const {
  PartCounts counts;
  const bool found = load(numbered("work/written-", number, ".json"),
                          [&](const Json& json) { counts = part_counts_of(json, samples_); });
  return found ? std::optional(std::move(counts)) : std::nullopt;
}

void RunFolder::save_written_state(uint64_t number, const PartCounts& counts) const {
  save(numbered("work/written-", number, ".json"), to_json(counts));
}

std::optional<RunFolder::Done> RunFolder::done_state() const {
  Done done;
  const bool found = load(work() / "done.json", [&](const Json& json) {
    done.counts = part_counts_of(json.at("counts"), samples_);
    done.near_compared = json.at("near_compared").get<uint64_t>();
    done.near_clusters = json.at("near_clusters").get<uint64_t>();
    done.repeated_paragraphs = json.at("repeated_paragraphs").get<uint64_t>();
  });
  return found ? std::optional(std::move(done)) : std::nullopt;
}

void RunFolder::save_done_state(const Done& done) const {
  save(work() / "done.json", {{"counts", to_json(done.counts)},
                              {"near_compared", done.near_compared},
                              {"near_clusters", done.near_clusters},
                              {"repeated_paragraphs", done.repeated_paragraphs}});
}

void RunFolder::drop_work() const {
  std::error_code error;
  for (fs::directory_iterator it(work(), error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (file != "lock" && file != "run.json" && file != "done.json") fs::remove(it->path());
  }
}

}  // namespace onmal
