#pragma once

#include <compare>
#include <cstdint>

#include "corpus/dedup/external_sort.h"

namespace onmal {

// A document to be dropped, and the one kept for it.
struct Duplicate {
  uint64_t id = 0;
  uint64_t kept = 0;

  auto operator<=>(const Duplicate&) const = default;
};

// What a stage decided: the documents to drop, read once in ascending order of their ids.
class DuplicateList {
 public:
  explicit DuplicateList(const SpillOptions& options) : sort_(options) {}

  void add(const Duplicate& duplicate) { sort_.add(duplicate); }
  void sort() { sort_.sort(); }

  uint64_t size() const { return sort_.size(); }
  // False behind the last.
  bool next(Duplicate& duplicate) {
    if (!ahead_) return sort_.next(duplicate);
    duplicate = waiting_;
    ahead_ = false;
    return true;
  }
  // Whether a document is to be dropped, asked with ascending ids.
  bool drops(uint64_t id) {
    while (!ended_) {
      if (!ahead_) {
        ahead_ = sort_.next(waiting_);
        ended_ = !ahead_;
        continue;
      }
      if (waiting_.id >= id) return waiting_.id == id;
      ahead_ = false;
    }
    return false;
  }

 private:
  ExternalSort<Duplicate> sort_;
  Duplicate waiting_;
  bool ahead_ = false;
  bool ended_ = false;
};

}  // namespace onmal
