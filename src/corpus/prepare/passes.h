#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "base/timer.h"
#include "corpus/dedup/duplicate_list.h"
#include "corpus/dedup/exact.h"
#include "corpus/dedup/paragraphs.h"
#include "corpus/prepare/prepare.h"
#include "corpus/prepare/run_folder.h"

namespace onmal {

// What the passes of one run share.
struct PrepareRun {
  const PrepareOptions& options;
  const PrepareCallbacks& callbacks;
  const std::stop_token& stop;
  const RunFolder& folder;

  void check_stop() const;
};

// Tells how far a pass is, now and then.
class ProgressTeller {
 public:
  ProgressTeller(const PrepareRun& run, std::string_view stage, uint64_t total, uint64_t resumed);
  void tell(uint64_t done, uint64_t documents, uint64_t text_bytes, bool now = false);

 private:
  const PrepareRun& run_;
  PrepareProgress progress_;
  Timer timer_;
  double last_ = -1;
};

// The parts of a corpus that has been read and cleaned.
struct ReadParts {
  std::vector<uint64_t> first;  // number of each part's first document, and behind it that of all
  std::vector<uint64_t> bytes;  // of each part's file
  PartCounts counts;
  uint64_t parts() const { return bytes.size(); }
  uint64_t documents() const { return first.back(); }
  uint64_t total_bytes() const;
};

// First pass: reads what is not yet read; adds all documents to `exact`.
ReadParts read_parts(const PrepareRun& run, ExactDuplicates& exact);

// A bit for each document.
class DocumentSet {
 public:
  explicit DocumentSet(uint64_t documents = 0) : words_((documents + 63) / 64) {}
  void insert(uint64_t id) { words_[id / 64] |= uint64_t{1} << (id % 64); }
  bool contains(uint64_t id) const { return (words_[id / 64] >> (id % 64) & 1) != 0; }
  const std::vector<uint64_t>& words() const { return words_; }
  std::vector<uint64_t>& words() { return words_; }

 private:
  std::vector<uint64_t> words_;
};

// What the corpus as a whole decides about its documents.
struct Decisions {
  struct Pair {  // a duplicate for the report
    uint64_t id = 0;
    uint64_t kept = 0;
    uint64_t near = 0;  // 1, or 0 for equal ones
  };
  DocumentSet exact, near;
  RepeatedParagraphs repeated;
  DocumentSet has_repeated;  // documents with one of them
  std::vector<Pair> pairs;
  uint64_t near_compared = 0, near_clusters = 0;
};

// Second pass: what of equal and nearly equal documents goes, and which paragraphs; or what an
// earlier run has decided.
Decisions decide(const PrepareRun& run, const ReadParts& parts, ExactDuplicates& exact);

// Third pass: writes text and token shards part by part, then the token shards as wholes.
PartCounts write_shards(const PrepareRun& run, const ReadParts& parts, const Decisions& decisions);

}  // namespace onmal
