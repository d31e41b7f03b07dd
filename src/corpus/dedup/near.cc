#include "corpus/dedup/near.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

// Documents of a band that are unlike are kept for comparing with up to so many, and with so many
// shingles together: a band shared by thousands of texts does not cost their square.
constexpr size_t kMostRepresentatives = 16;
constexpr size_t kMostRepresentedShingles = size_t{1} << 24;
// Signatures so much below the threshold spare the look at shingles: seven standard deviations of
// 128 hashes.
constexpr double kSurelyUnlike = 0.25;

SpillOptions percent_of(const SpillOptions& options, uint64_t percent) {
  return {options.folder, options.memory_bytes / 100 * percent};
}

std::span<const uint32_t> words_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const uint32_t*>(bytes.data()), bytes.size() / sizeof(uint32_t)};
}

}  // namespace

Sketch make_sketch(std::string_view text, const NearOptions& options) {
  const std::vector<uint64_t> hashes = shingle_hashes(text, options.shingle);
  Sketch sketch;
  sketch.length = hashes.size();
  sketch.signature = minhash_signature(hashes, options.hashes);
  // Most are never compared: they are sorted when they are read.
  if (options.compare_shingles) {
    sketch.shingles.resize(hashes.size());
    std::transform(hashes.begin(), hashes.end(), sketch.shingles.begin(),
                   [](uint64_t hash) { return static_cast<uint32_t>(hash); });
  }
  return sketch;
}

struct NearDuplicates::Representative {
  uint64_t id = 0;
  uint64_t place = 0;
  bool has_shingles = false;
  Sketch sketch;
};

// Union–find over the documents that were found alike to another one.
class NearDuplicates::Clusters {
 public:
  bool together(uint64_t a, uint64_t b) {
    const auto left = places_.find(a);
    const auto right = places_.find(b);
    return left != places_.end() && right != places_.end() &&
           root(left->second) == root(right->second);
  }

  void join(const Representative& a, const Representative& b) {
    const size_t left = root(place_of(a));
    const size_t right = root(place_of(b));
    if (left == right) return;
    const auto [parent, child] = std::minmax(left, right);
    nodes_[child].parent = parent;
  }

  // Reports each document that is not the best of its cluster.
  void resolve(bool keep_longest, DuplicateList& found, NearReport& report) {
    std::vector<size_t> best(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) best[i] = i;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const size_t top = root(i);
      if (is_better(nodes_[i], nodes_[best[top]], keep_longest)) best[top] = i;
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const size_t kept = best[root(i)];
      if (kept == i) {
        ++report.clusters;
      } else {
        found.add({nodes_[i].id, nodes_[kept].id});
      }
    }
    report.dropped = found.size();
  }

 private:
  struct Node {
    uint64_t id;
    uint64_t length;
    size_t parent;
  };

  static bool is_better(const Node& a, const Node& b, bool keep_longest) {
    if (keep_longest && a.length != b.length) return a.length > b.length;
    return a.id < b.id;
  }

  size_t place_of(const Representative& document) {
    const auto [found, is_new] = places_.try_emplace(document.id, nodes_.size());
    if (is_new) nodes_.push_back({document.id, document.sketch.length, nodes_.size()});
    return found->second;
  }

  size_t root(size_t i) {
    while (nodes_[i].parent != i) {
      nodes_[i].parent = nodes_[nodes_[i].parent].parent;
      i = nodes_[i].parent;
    }
    return i;
  }

  std::unordered_map<uint64_t, size_t> places_;
  std::vector<Node> nodes_;
};

// Bands are sorted and so want room; sketches are read here and there, which the system's own cache
// does as well.
NearDuplicates::NearDuplicates(const NearOptions& options)
    : options_(options),
      bands_(choose_bands(options.hashes, options.threshold, options.recall)),
      entries_(percent_of(options.storage, 45)),
      sketches_(options.storage.folder, percent_of(options.storage, 38).memory_bytes) {
  check_window(options.shingle);
}

void NearDuplicates::add(uint64_t id, const Sketch& sketch) {
  const std::lock_guard lock(mutex_);
  ++report_.documents;
  if (sketch.signature.empty()) return;
  ONMAL_ASSERT(sketch.signature.size() == options_.hashes);
  std::vector<uint32_t> head = {static_cast<uint32_t>(sketch.length),
                                static_cast<uint32_t>(sketch.length >> 32)};
  head.insert(head.end(), sketch.signature.begin(), sketch.signature.end());
  const uint64_t place = sketches_.append(std::as_bytes(std::span(head)));
  if (options_.compare_shingles) sketches_.append(std::as_bytes(std::span(sketch.shingles)));
  for (size_t band = 0; band < bands_.bands; ++band)
    entries_.add({band_key(sketch.signature, bands_, band), id, place});
}

NearDuplicates::Representative NearDuplicates::read_signature(const Entry& entry) {
  sketches_.read(entry.place, bytes_);
  const std::span<const uint32_t> words = words_of(bytes_);
  if (words.size() != options_.hashes + 2) {
    throw Error(ErrorCode::kBadFile, options_.storage.folder.string(),
                "a temporary file has a wrong sketch", "run again");
  }
  Representative document{entry.id, entry.place, false, {}};
  document.sketch.length = words[0] | uint64_t{words[1]} << 32;
  document.sketch.signature.assign(words.begin() + 2, words.end());
  return document;
}

void NearDuplicates::read_shingles(Representative& document) {
  if (document.has_shingles) return;
  const uint64_t head = (options_.hashes + 2) * sizeof(uint32_t);
  sketches_.read(SpillFile::place_behind(document.place, head), bytes_);
  const std::span<const uint32_t> words = words_of(bytes_);
  document.sketch.shingles = shingle_set(std::vector<uint64_t>(words.begin(), words.end()));
  document.has_shingles = true;
}

bool NearDuplicates::alike(Representative& a, Representative& b) {
  ++report_.compared;
  const double estimate = estimate_jaccard(a.sketch.signature, b.sketch.signature);
  if (!options_.compare_shingles) return estimate >= options_.threshold;
  if (estimate < options_.threshold - kSurelyUnlike) return false;
  read_shingles(a);
  read_shingles(b);
  return jaccard(a.sketch.shingles, b.sketch.shingles) >= options_.threshold;
}

// `bucket` holds documents of the same band, unlike one another.
void NearDuplicates::compare(const Entry& entry, std::vector<Representative>& bucket,
                             Clusters& clusters) {
  if (bucket.size() == 1 && bucket[0].sketch.signature.empty())
    bucket[0] = read_signature({entry.key, bucket[0].id, bucket[0].place});
  Representative document = read_signature(entry);
  bool stands_alone = true;
  size_t shingles = 0;
  for (Representative& other : bucket) {
    if (other.id == document.id) {
      throw Error(ErrorCode::kInvalidArgument, "deduplication",
                  "document " + std::to_string(entry.id) + " was added twice",
                  "give every document a number of its own");
    }
    shingles += other.sketch.length;
    if (clusters.together(other.id, document.id)) {
      stands_alone = false;
    } else if (alike(other, document)) {
      clusters.join(other, document);
      stands_alone = false;
    }
  }
  if (stands_alone && bucket.size() < kMostRepresentatives &&
      shingles + document.sketch.length <= kMostRepresentedShingles)
    bucket.push_back(std::move(document));
}

DuplicateList NearDuplicates::finish(FunctionRef<void()> check) {
  constexpr uint64_t kCheckEvery = 1024;  // bands: sketches that are compared may be on disk
  entries_.sort(check);
  Clusters clusters;
  std::vector<Representative> bucket;
  Entry entry{};
  uint64_t key = 0;
  for (uint64_t bands = 1; entries_.next(entry); ++bands) {
    if (bands % kCheckEvery == 0) check();
    if (!bucket.empty() && entry.key == key) {
      compare(entry, bucket, clusters);
      continue;
    }
    // Most bands have one document, whose sketch is not looked at.
    bucket.clear();
    bucket.push_back({entry.id, entry.place, false, {}});
    key = entry.key;
  }
  DuplicateList found(percent_of(options_.storage, 10));
  clusters.resolve(options_.keep_longest, found, report_);
  found.sort();
  return found;
}

}  // namespace onmal
