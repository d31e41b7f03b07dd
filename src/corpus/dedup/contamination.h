#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/dedup/units.h"
#include "tokenizer/bit_filter.h"

namespace onmal {

struct ContaminationOptions {
  WindowLength ngram = {50, 13};  // characters of Hangul, Han and kana; words of others
  // An item shorter than an n-gram is looked for whole if it is at least so long. Not longer
  // than `ngram`; both 0 for never.
  WindowLength whole_item = {30, 8};
  uint64_t memory_bytes = uint64_t{1} << 30;  // the index may take
};

// A set that shares text with a document.
struct ContaminationHit {
  size_t set = 0;
  uint64_t item = 0;    // of the set, from 0: the first found in the document
  uint64_t ngrams = 0;  // of the document that the set has, too

  bool operator==(const ContaminationHit&) const = default;
};

// Knows the n-grams of evaluation sets and finds them in documents. Texts are compared by their
// units (see units.h): case, white space, punctuation and forms of a character make no difference.
// An n-gram is found by a hash of its end and believed when 128 bits of all of it agree.
class ContaminationIndex {
 public:
  // Throws Error(kInvalidArgument) for lengths that make no sense.
  explicit ContaminationIndex(const ContaminationOptions& options);

  // Returns the set's number, from 0.
  size_t add_set(std::string name);
  // The set's next item. Throws Error(kResource) when the index would outgrow its memory.
  void add(size_t set, std::string_view item);
  // Ends adding.
  void build();

  // By set. From any thread, after build().
  std::vector<ContaminationHit> find(std::string_view text) const;

  const std::string& set_name(size_t set) const { return sets_[set].name; }
  uint64_t items(size_t set) const { return sets_[set].items; }
  // Items too short to be looked for.
  uint64_t unused_items(size_t set) const { return sets_[set].unused; }
  size_t size() const { return grams_.size(); }

 private:
  struct Set {
    std::string name;
    uint64_t items = 0;
    uint64_t unused = 0;
  };
  struct Gram {
    uint64_t anchor = 0;  // of the shortest run at its end as long as `whole_item`
    uint64_t units = 0;
    Fingerprint fingerprint;
    uint32_t set = 0;
    uint32_t item = 0;

    auto operator<=>(const Gram&) const = default;
  };
  class Finder;

  void add_gram(const Gram& gram);

  ContaminationOptions options_;
  WindowLength anchor_;
  std::vector<Set> sets_;
  std::vector<Gram> grams_;  // sorted by build(), the least item of a set alone
  BitFilter anchors_;
};

}  // namespace onmal
