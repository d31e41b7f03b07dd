// dedup_bench --short FILE FIELD --long FILE FIELD [--memory MIB] [--folder FOLDER]: speed of the
// stages of deduplication on one thread, and precision and recall of near-duplicates on edited
// copies of the long documents beside all pairs compared. JSON lines. `peak_mib` is what a stage
// adds to the memory of the process at most.

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "base/timer.h"
#include "corpus/dedup/contamination.h"
#include "corpus/dedup/exact.h"
#include "corpus/dedup/near.h"
#include "corpus/dedup/paragraphs.h"
#include "corpus/source.h"
#include "text/unicode.h"

namespace onmal {
namespace {

struct Options {
  Source short_texts, long_texts;
  uint64_t memory_bytes = uint64_t{64} << 20;
  std::filesystem::path folder = std::filesystem::temp_directory_path();
};

Source source_of(const std::string& path, const std::string& field) {
  Source source;
  source.path = path;
  source.format = format_of_name(path, true);
  source.fields = {field};
  return source;
}

Options parse(std::span<char*> arguments) {
  Options options;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string name = arguments[i];
    const size_t values = name == "--short" || name == "--long" ? 2 : 1;
    if (i + values >= arguments.size())
      throw Error(ErrorCode::kInvalidArgument, name, "lacks a value");
    const std::string value = arguments[i + 1];
    if (name == "--short") {
      options.short_texts = source_of(value, arguments[i + 2]);
    } else if (name == "--long") {
      options.long_texts = source_of(value, arguments[i + 2]);
    } else if (name == "--folder") {
      options.folder = value;
    } else if (name == "--memory") {
      std::from_chars(value.data(), value.data() + value.size(), options.memory_bytes);
      options.memory_bytes <<= 20;
    } else {
      throw Error(ErrorCode::kInvalidArgument, name, "is no option");
    }
    i += values;
  }
  if (options.short_texts.path.empty() || options.long_texts.path.empty())
    throw Error(ErrorCode::kInvalidArgument, "dedup_bench", "needs --short and --long");
  return options;
}

// A field of /proc/self/status in MiB.
double memory_mib(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  return 0;
}

// Time and memory from its making to report().
class Stage {
 public:
  Stage(std::string name, std::span<const std::string> texts) : name_(std::move(name)) {
    for (const std::string& text : texts) bytes_ += text.size();
    records_ = texts.size();
    ::malloc_trim(0);  // what earlier stages freed would hide what this one takes
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
    before_ = memory_mib("VmRSS:");
  }
  double seconds() const { return timer_.seconds(); }
  void report(const std::string& more) const {
    const double seconds = timer_.seconds();
    std::printf(
        "{\"stage\": \"%s\", \"records\": %zu, \"mb\": %.2f, \"records_per_s\": %.0f, "
        "\"mb_per_s\": %.1f, \"peak_mib\": %.1f%s}\n",
        name_.c_str(), records_, static_cast<double>(bytes_) / 1e6,
        static_cast<double>(records_) / seconds, static_cast<double>(bytes_) / 1e6 / seconds,
        memory_mib("VmHWM:") - before_, more.c_str());
    std::fflush(stdout);
  }

 private:
  std::string name_;
  size_t records_ = 0, bytes_ = 0;
  double before_ = 0;
  Timer timer_;
};

std::string field(const std::string& name, double value) {
  char text[64];
  std::snprintf(text, sizeof text, ", \"%s\": %.6g", name.c_str(), value);
  return text;
}

std::vector<std::string> read_all(const Source& source) {
  std::vector<std::string> texts;
  read_documents(source, [&](std::string_view text) { texts.emplace_back(text); });
  return texts;
}

void measure_exact(const std::string& name, std::span<const std::string> texts,
                   const SpillOptions& storage) {
  const Stage stage("exact, " + name, texts);
  ExactDuplicates exact(storage);
  for (size_t id = 0; id < texts.size(); ++id) exact.add(id, texts[id]);
  const DuplicateList found = exact.finish();
  stage.report(field("dropped", static_cast<double>(found.size())) +
               field("spilled", exact.spilled() ? 1 : 0));
}

// The document kept for each.
std::vector<uint64_t> measure_near(const std::string& name, std::span<const std::string> texts,
                                   const NearOptions& options) {
  std::vector<uint64_t> kept(texts.size());
  std::iota(kept.begin(), kept.end(), uint64_t{0});
  const Stage stage("near, " + name, texts);
  NearDuplicates near(options);
  for (size_t id = 0; id < texts.size(); ++id) near.add(id, texts[id]);
  const double sketched = stage.seconds();
  DuplicateList found = near.finish();
  for (Duplicate duplicate; found.next(duplicate);) kept[duplicate.id] = duplicate.kept;
  const NearReport& report = near.report();
  stage.report(field("add_seconds", sketched) +
               field("finish_seconds", stage.seconds() - sketched) +
               field("compared", static_cast<double>(report.compared)) +
               field("dropped", static_cast<double>(report.dropped)) +
               field("spilled", near.spilled() ? 1 : 0));
  return kept;
}

void measure_paragraphs(std::span<const std::string> texts, const SpillOptions& storage) {
  const Stage stage("paragraphs, two passes", texts);
  ParagraphCounter counter({10, 10, storage});
  for (size_t id = 0; id < texts.size(); ++id) counter.add(id, texts[id]);
  const RepeatedParagraphs repeated = counter.finish();
  uint64_t removed = 0;
  for (const std::string& text : texts) removed += repeated.strip(text).paragraphs;
  stage.report(field("repeated", static_cast<double>(repeated.size())) +
               field("removed", static_cast<double>(removed)));
}

// Every fiftieth document is evaluated on: it must be found, and little else.
void measure_contamination(std::span<const std::string> texts) {
  ContaminationIndex index({});
  const size_t set = index.add_set("every fiftieth");
  for (size_t id = 0; id < texts.size(); id += 50) index.add(set, texts[id]);
  index.build();
  const Stage stage("contamination, finding", texts);
  uint64_t own = 0, others = 0;
  for (size_t id = 0; id < texts.size(); ++id) {
    if (!index.find(texts[id]).empty()) ++(id % 50 == 0 ? own : others);
  }
  stage.report(field("ngrams", static_cast<double>(index.size())) +
               field("items", static_cast<double>(index.items(set))) +
               field("unused_items", static_cast<double>(index.unused_items(set))) +
               field("own_found", static_cast<double>(own)) +
               field("others_found", static_cast<double>(others)));
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size() - 1) + 1;
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// Another particle where a word ends in one.
void change_particle(std::string& word) {
  constexpr std::string_view kParticles[][2] = {{"은 ", "이 "},   {"는 ", "가 "}, {"이 ", "은 "},
                                                {"가 ", "는 "},   {"을 ", "도 "}, {"를 ", "도 "},
                                                {"에 ", "에서 "}, {"의 ", " "}};
  for (const auto& [from, to] : kParticles) {
    if (!word.ends_with(from)) continue;
    word.replace(word.size() - from.size(), from.size(), to);
    return;
  }
}

// Changes a random share of the words, up to a quarter, and may cut up to a quarter off the end.
std::string edited(std::string_view text, Rng& rng) {
  std::vector<std::string> words = split_words(text);
  const double share = rng.uniform() * 0.25;
  const uint64_t kind = rng.below(4);
  if (kind == 3) {
    words.resize(words.size() - static_cast<size_t>(static_cast<double>(words.size()) * share));
  }
  for (size_t i = 0; i < words.size() && kind != 3; ++i) {
    if (kind == 0) {
      if (rng.uniform() < 4 * share) change_particle(words[i]);
    } else if (rng.uniform() < share / 2) {
      if (kind == 1 && i > 0) std::swap(words[i], words[i - 1]);
      if (kind == 2) words[i] = rng.below(2) == 0 ? "" : words[rng.below(words.size())];
    }
  }
  std::string result;
  for (const std::string& word : words) result += word;
  return result;
}

struct Pair {
  uint32_t a, b;
  double similarity;
};

// All pairs of at least 0.5, counted shingle by shingle.
std::vector<Pair> all_pairs(std::span<const std::string> texts, const WindowLength& shingle) {
  std::unordered_map<uint64_t, std::vector<uint32_t>> postings;
  std::vector<size_t> sizes;
  std::vector<Pair> pairs;
  std::vector<uint32_t> common(texts.size());
  for (uint32_t d = 0; d < texts.size(); ++d) {
    std::vector<uint64_t> set = shingle_hashes(texts[d], shingle);
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    sizes.push_back(set.size());
    std::fill(common.begin(), common.end(), 0);
    for (const uint64_t hash : set) {
      std::vector<uint32_t>& list = postings[hash];
      for (const uint32_t other : list) ++common[other];
      list.push_back(d);
    }
    for (uint32_t other = 0; other < d; ++other) {
      const size_t either = sizes[d] + sizes[other] - common[other];
      if (either == 0) continue;
      const double similarity = static_cast<double>(common[other]) / static_cast<double>(either);
      if (similarity >= 0.5) pairs.push_back({other, d, similarity});
    }
  }
  return pairs;
}

std::vector<uint64_t> clusters_of(const std::vector<Pair>& pairs, size_t texts, double threshold) {
  std::vector<uint64_t> parent(texts);
  std::iota(parent.begin(), parent.end(), uint64_t{0});
  const auto root = [&](uint64_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (const Pair& pair : pairs) {
    if (pair.similarity >= threshold) parent[root(pair.b)] = root(pair.a);
  }
  for (uint64_t i = 0; i < texts; ++i) parent[i] = root(i);
  return parent;
}

// Pairs in one found cluster, over those that are in one true cluster or as alike themselves.
void judge(const std::vector<Pair>& pairs, const std::vector<uint64_t>& kept,
           const std::vector<uint64_t>& truth, double threshold, const std::string& name) {
  size_t alike = 0, alike_found = 0, close = 0, close_found = 0;
  std::map<std::pair<uint64_t, uint64_t>, double> similarity;
  for (const Pair& pair : pairs) {
    similarity[{pair.a, pair.b}] = pair.similarity;
    if (pair.similarity < threshold) continue;
    const bool found = kept[pair.a] == kept[pair.b];
    ++alike;
    alike_found += found ? 1 : 0;
    if (pair.similarity >= threshold + 0.05) continue;
    ++close;
    close_found += found ? 1 : 0;
  }
  std::map<uint64_t, std::vector<uint64_t>> members;
  for (uint64_t i = 0; i < kept.size(); ++i) members[kept[i]].push_back(i);
  size_t together = 0, right = 0, right_itself = 0;
  for (const auto& [keeper, ids] : members) {
    for (size_t i = 0; i < ids.size(); ++i) {
      for (size_t j = i + 1; j < ids.size(); ++j) {
        ++together;
        right += truth[ids[i]] == truth[ids[j]] ? 1 : 0;
        const auto known = similarity.find({ids[i], ids[j]});
        right_itself += known != similarity.end() && known->second >= threshold ? 1 : 0;
      }
    }
  }
  const auto share = [](size_t part, size_t all) {
    return all == 0 ? 1.0 : static_cast<double>(part) / static_cast<double>(all);
  };
  std::printf(
      "{\"quality\": \"%s\", \"true_pairs\": %zu, \"found_pairs\": %zu, \"recall\": %.4f, "
      "\"recall_0.80_to_0.85\": %.4f, \"pairs_0.80_to_0.85\": %zu, \"precision\": %.4f, "
      "\"precision_without_chains\": %.4f}\n",
      name.c_str(), alike, together, share(alike_found, alike), share(close_found, close), close,
      share(right, together), share(right_itself, together));
}

void measure_quality(std::span<const std::string> originals, NearOptions options) {
  Rng rng(2024);
  std::vector<std::string> texts(originals.begin(), originals.end());
  for (const std::string& text : originals) {
    for (int copy = 0; copy < 2; ++copy) texts.push_back(edited(text, rng));
  }
  const std::vector<Pair> pairs = all_pairs(texts, options.shingle);
  const std::vector<uint64_t> truth = clusters_of(pairs, texts.size(), options.threshold);
  for (const bool shingles : {true, false}) {
    options.compare_shingles = shingles;
    const std::string name = shingles ? "compared by shingles" : "compared by signatures";
    const std::vector<uint64_t> kept = measure_near("edited, " + name, texts, options);
    judge(pairs, kept, truth, options.threshold, name);
  }
}

void measure(const Options& options) {
  const std::vector<std::string> short_texts = read_all(options.short_texts);
  const std::vector<std::string> long_texts = read_all(options.long_texts);
  const SpillOptions storage{options.folder, options.memory_bytes};
  NearOptions near;
  near.storage = storage;
  measure_exact("short", short_texts, storage);
  measure_exact("short, 1 MiB", short_texts, {options.folder, 1 << 20});
  measure_exact("long", long_texts, storage);
  measure_near("short", short_texts, near);
  measure_near("long", long_texts, near);
  measure_paragraphs(long_texts, storage);
  measure_contamination(long_texts);
  measure_quality(long_texts, near);
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  try {
    onmal::measure(onmal::parse({argv, static_cast<size_t>(argc)}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dedup_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
