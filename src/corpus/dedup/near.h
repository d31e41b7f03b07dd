#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "corpus/dedup/duplicate_list.h"
#include "corpus/dedup/minhash.h"
#include "corpus/dedup/spill_file.h"

namespace onmal {

struct NearOptions {
  WindowLength shingle = {5, 3};  // characters of Hangul, Han and kana; words of others
  double threshold = 0.8;         // Jaccard similarity of shingles from which texts are the same
  size_t hashes = 128;            // of a signature
  double recall = 0.98;           // chance that a pair right at the threshold is compared at all
  // Compared by their shingles themselves (exact; 4 bytes for each on disk) or by their signatures
  // (less disk; the similarity is off by 0.035 at 0.8 with 128 hashes).
  bool compare_shingles = true;
  bool keep_longest = true;  // by shingles, of equal ones the least id; else the least id
  SpillOptions storage;
};

// What near-duplicates are found by: made in any thread, a text at a time.
struct Sketch {
  uint64_t length = 0;              // shingles, repetitions included
  std::vector<uint32_t> signature;  // empty for a text without letters and digits
  std::vector<uint32_t>
      shingles;  // in the text's order, as they come; empty unless compare_shingles
};
Sketch make_sketch(std::string_view text, const NearOptions& options);

struct NearReport {
  uint64_t documents = 0;
  uint64_t compared = 0;  // pairs
  uint64_t clusters = 0;  // of two documents or more
  uint64_t dropped = 0;
};

// Finds documents that are nearly the same. Those that agree in a band of their MinHash signatures
// are compared; what is alike hangs together, also by way of a third document, and of each such
// cluster one document is kept. Documents without letters and digits are left alone. All are added,
// in any order and from any thread; then finish() decides, the same whatever the order.
//
// The same documents may go to ExactDuplicates in the same pass: what either drops may go, and of
// every cluster one document is left, since equal texts have equal lengths and the least id stays.
//
// Bands (24 bytes each, 18 of them by default) and sketches spill to disk beyond the memory limit.
// Beside it stay about 80 bytes for every document that is in a cluster.
class NearDuplicates {
 public:
  // Throws Error(kInvalidArgument) for options that make no sense.
  explicit NearDuplicates(const NearOptions& options);

  // Ids must differ from one another. The sketch must be made with the same options.
  void add(uint64_t id, std::string_view text) { add(id, make_sketch(text, options_)); }
  void add(uint64_t id, const Sketch& sketch);

  // Ends adding. Throws Error(kInvalidArgument) for an id added twice with the same text,
  // Error(kBadFile) when what was spilled is damaged, and what `check` throws, which is called
  // several times a second.
  DuplicateList finish(FunctionRef<void()> check = [] {});

  const NearReport& report() const { return report_; }  // whole after finish()
  const Bands& bands() const { return bands_; }
  bool spilled() const { return entries_.spilled() || sketches_.on_disk(); }

 private:
  // A document's band and where its sketch stands. Sorted by band, then id.
  struct Entry {
    uint64_t key;
    uint64_t id;
    uint64_t place;

    auto operator<=>(const Entry&) const = default;
  };
  class Clusters;

  struct Representative;

  void compare(const Entry& entry, std::vector<Representative>& bucket, Clusters& clusters);
  bool alike(Representative& a, Representative& b);
  // What was added, first without its shingles.
  Representative read_signature(const Entry& entry);
  void read_shingles(Representative& document);

  NearOptions options_;
  Bands bands_;
  std::mutex mutex_;
  ExternalSort<Entry> entries_;
  SpillFile sketches_;
  NearReport report_;
  std::vector<std::byte> bytes_;
};

}  // namespace onmal
