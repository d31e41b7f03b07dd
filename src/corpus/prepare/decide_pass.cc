#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "corpus/dedup/mix.h"
#include "corpus/dedup/near.h"
#include "corpus/prepare/ordered_pipeline.h"
#include "corpus/prepare/part_file.h"
#include "corpus/prepare/passes.h"

namespace onmal {
namespace {

// Characters of a paragraph that may be removed: headings and names stay.
constexpr uint64_t kLeastParagraph = 20;

constexpr char kMagic[8] = {'O', 'N', 'M', 'A', 'L', 'D', 'C', '1'};

struct DecisionsHeader {
  char magic[8];
  uint64_t documents_words;
  uint64_t paragraphs;
  uint64_t least_characters;
  uint64_t pairs;
  uint64_t near_compared;
  uint64_t near_clusters;
};

// The pairs of least rank.
class PairChoice {
 public:
  explicit PairChoice(size_t most) : most_(most) {}

  void add(const Decisions::Pair& pair) {
    const auto less = [](const Decisions::Pair& a, const Decisions::Pair& b) {
      return std::pair(mix_bits(a.id), a.id) < std::pair(mix_bits(b.id), b.id);
    };
    if (most_ == 0 || (pairs_.size() == most_ && !less(pair, pairs_.back()))) return;
    pairs_.insert(std::upper_bound(pairs_.begin(), pairs_.end(), pair, less), pair);
    if (pairs_.size() > most_) pairs_.pop_back();
  }
  void append_to(std::vector<Decisions::Pair>& pairs) const {
    pairs.insert(pairs.end(), pairs_.begin(), pairs_.end());
  }

 private:
  size_t most_;
  std::vector<Decisions::Pair> pairs_;
};

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

void save(const Decisions& decisions, const std::filesystem::path& path) {
  DecisionsHeader header = {{},
                            decisions.exact.words().size(),
                            decisions.repeated.size(),
                            decisions.repeated.least_characters(),
                            decisions.pairs.size(),
                            decisions.near_compared,
                            decisions.near_clusters};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
  file.write(bytes_of(decisions.exact.words()));
  file.write(bytes_of(decisions.near.words()));
  file.write(bytes_of(decisions.has_repeated.words()));
  file.write(bytes_of(decisions.repeated.fingerprints()));
  file.write(bytes_of(decisions.pairs));
  file.commit();
}

// Takes `count` values from the front; false where there are not so many bytes.
template <typename T>
bool take(std::string_view& bytes, uint64_t count, std::vector<T>& values) {
  if (count > bytes.size() / sizeof(T)) return false;
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
  return true;
}

std::optional<Decisions> load(const std::filesystem::path& path, uint64_t documents) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string content = read_file(path);
  std::string_view bytes = content;
  DecisionsHeader header{};
  Decisions decisions;
  decisions.exact = decisions.near = decisions.has_repeated = DocumentSet(documents);
  const uint64_t words = decisions.exact.words().size();
  std::vector<Fingerprint> paragraphs;
  bool good = bytes.size() >= sizeof header;
  if (good) std::memcpy(&header, bytes.data(), sizeof header);
  good = good && std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 &&
         header.documents_words == words;
  if (good) bytes.remove_prefix(sizeof header);
  good = good && take(bytes, words, decisions.exact.words()) &&
         take(bytes, words, decisions.near.words()) &&
         take(bytes, words, decisions.has_repeated.words()) &&
         take(bytes, header.paragraphs, paragraphs) && take(bytes, header.pairs, decisions.pairs) &&
         bytes.empty();
  if (!good) {
    throw Error(ErrorCode::kBadFile, path.string(), "is not as it was written",
                "prepare the corpus from the beginning with --fresh");
  }
  decisions.repeated = RepeatedParagraphs(header.least_characters, std::move(paragraphs));
  decisions.near_compared = header.near_compared;
  decisions.near_clusters = header.near_clusters;
  return decisions;
}

// A block of a part with the number of its first document.
struct CompareBlock {
  PartBlock block;
  uint64_t part = 0;
};

void compare_all(const PrepareRun& run, const ReadParts& parts, const DocumentSet& exact,
                 NearDuplicates& near, ParagraphCounter& paragraphs) {
  ProgressTeller progress(run, "compare", parts.total_bytes(), 0);
  uint64_t bytes = 0;
  uint64_t documents = 0;
  OrderedPipeline<CompareBlock> pipeline(
      run.options.threads,
      [&](CompareBlock& item, size_t) {
        uint64_t id = parts.first[item.part] + item.block.first;
        for_each_document(item.block.bytes, run.folder.part(item.part).string(),
                          [&](const PartDocument& document) {
                            const uint64_t number = id++;
                            if (exact.contains(number)) return;
                            near.add(number, document.text);
                            paragraphs.add(number, document.text);
                          });
      },
      [&](CompareBlock& item) {
        bytes += item.block.bytes.size();
        documents += item.block.documents;
        progress.tell(bytes, documents, bytes, bytes == parts.total_bytes());
      });
  for (uint64_t part = 0; part < parts.parts(); ++part) {
    PartReader reader(run.folder.part(part));
    for (;;) {
      run.check_stop();
      auto item = std::make_unique<CompareBlock>();
      item->part = part;
      if (!reader.next(item->block)) break;
      pipeline.put(std::move(item));
    }
  }
  pipeline.finish();
}

}  // namespace

Decisions decide(const PrepareRun& run, const ReadParts& parts, ExactDuplicates& exact) {
  if (std::optional<Decisions> before = load(run.folder.decisions(), parts.documents()))
    return std::move(*before);
  const PrepareOptions& options = run.options;
  const auto check_stop = [&] { run.check_stop(); };
  Decisions decisions;
  decisions.exact = decisions.near = decisions.has_repeated = DocumentSet(parts.documents());
  PairChoice equal(options.samples);
  PairChoice alike(options.samples);
  {
    DuplicateList found = exact.finish(check_stop);
    for (Duplicate one; found.next(one);) {
      decisions.exact.insert(one.id);
      equal.add({one.id, one.kept, 0});
    }
  }
  NearOptions near_options;
  near_options.threshold = options.near_threshold;
  near_options.storage = {run.folder.work(), options.memory_bytes / 100 * 55};
  std::optional<NearDuplicates> near(std::in_place, near_options);
  ParagraphCounter paragraphs(
      {options.most_paragraph_documents, 10, {run.folder.work(), options.memory_bytes / 100 * 20}});
  compare_all(run, parts, decisions.exact, *near, paragraphs);
  run.check_stop();
  {
    DuplicateList found = near->finish(check_stop);
    for (Duplicate one; found.next(one);) {
      decisions.near.insert(one.id);
      alike.add({one.id, one.kept, 1});
    }
  }
  decisions.near_compared = near->report().compared;
  decisions.near_clusters = near->report().clusters;
  near.reset();
  run.check_stop();
  decisions.repeated =
      paragraphs.finish([&](uint64_t id) { return !decisions.near.contains(id); },
                        [&](uint64_t id) { decisions.has_repeated.insert(id); }, check_stop);
  equal.append_to(decisions.pairs);
  alike.append_to(decisions.pairs);
  save(decisions, run.folder.decisions());
  return decisions;
}

}  // namespace onmal
