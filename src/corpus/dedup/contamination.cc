#include "corpus/dedup/contamination.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

bool same_but_item(const auto& a, const auto& b) {
  return a.anchor == b.anchor && a.units == b.units && a.fingerprint == b.fingerprint &&
         a.set == b.set;
}

}  // namespace

ContaminationIndex::ContaminationIndex(const ContaminationOptions& options)
    : options_(options), anchor_(options.whole_item) {
  const bool never = anchor_.characters == 0 && anchor_.words == 0;
  if (never) anchor_ = options.ngram;
  const UnitWindow check(options.ngram);
  const UnitWindow check_anchor(anchor_);
  if (anchor_.characters > options.ngram.characters || anchor_.words > options.ngram.words) {
    throw Error(ErrorCode::kInvalidArgument, "decontamination",
                "whole items must not be longer than an n-gram",
                "choose a shorter `whole_item` or a longer `ngram`");
  }
}

size_t ContaminationIndex::add_set(std::string name) {
  sets_.push_back({std::move(name), 0, 0});
  return sets_.size() - 1;
}

void ContaminationIndex::add_gram(const Gram& gram) {
  // A growing vector holds what it had and twice that.
  if (3 * (grams_.size() + 1) * sizeof(Gram) > options_.memory_bytes) {
    throw Error(ErrorCode::kResource, "decontamination",
                "the index of evaluation sets outgrows its " +
                    std::to_string(options_.memory_bytes) + " bytes",
                "allow more memory or name fewer sets");
  }
  grams_.push_back(gram);
}

void ContaminationIndex::add(size_t set, std::string_view item) {
  ONMAL_ASSERT(set < sets_.size() && anchors_.says_yes_to_all());
  if (sets_[set].items > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::kResource, sets_[set].name, "has more than 2^32 items");
  }
  const auto number = static_cast<uint32_t>(sets_[set].items++);
  UnitWindow ngram(options_.ngram);
  UnitWindow anchor(anchor_);
  bool any = false;
  bool anchored = false;
  const auto gram_at_end = [&] {
    return Gram{anchor.hash(), ngram.units(), ngram.fingerprint_of_last(ngram.units()),
                static_cast<uint32_t>(set), number};
  };
  for_each_unit(item, [&](const TextUnit& unit) {
    anchored = anchor.push(unit);
    if (!ngram.push(unit)) return;
    add_gram(gram_at_end());
    any = true;
  });
  if (any) return;
  if (anchored) {
    add_gram(gram_at_end());
  } else {
    ++sets_[set].unused;
  }
}

void ContaminationIndex::build() {
  std::sort(grams_.begin(), grams_.end());
  grams_.erase(std::unique(grams_.begin(), grams_.end(),
                           [](const Gram& a, const Gram& b) { return same_but_item(a, b); }),
               grams_.end());
  anchors_ = BitFilter(grams_.size() + 1, 32);
  for (const Gram& gram : grams_) anchors_.insert(gram.anchor);
}

// Looks up the n-grams that end at a unit of a document.
class ContaminationIndex::Finder {
 public:
  explicit Finder(const ContaminationIndex& index) : index_(index), counts_(index.sets_.size()) {}

  void look_up(const UnitWindow& window) {
    const std::vector<Gram>& grams = index_.grams_;
    const uint64_t anchor = window.hash();
    if (!index_.anchors_.may_contain(anchor)) return;
    auto at = std::lower_bound(grams.begin(), grams.end(), Gram{anchor, 0, {}, 0, 0});
    // Grams of one anchor and length lie together: one fingerprint is looked for among them.
    while (at != grams.end() && at->anchor == anchor) {
      const uint64_t units = at->units;
      if (units > window.units_so_far()) return;
      const Fingerprint found = window.fingerprint_of_last(units);
      at = std::lower_bound(at, grams.end(), Gram{anchor, units, found, 0, 0});
      for (; at != grams.end() && at->anchor == anchor && at->units == units &&
             at->fingerprint == found;
           ++at)
        count(*at, window.units_so_far());
      at = std::lower_bound(at, grams.end(), Gram{anchor, units + 1, {}, 0, 0});
    }
  }

  std::vector<ContaminationHit> hits() const {
    std::vector<ContaminationHit> result;
    for (size_t set = 0; set < counts_.size(); ++set) {
      const Count& count = counts_[set];
      if (count.ngrams > 0) result.push_back({set, count.item, count.ngrams});
    }
    return result;
  }

 private:
  struct Count {
    uint64_t ngrams = 0;
    uint64_t item = 0;
    uint64_t last_end = 0;  // units before and with the last n-gram
  };

  void count(const Gram& gram, uint64_t end) {
    Count& count = counts_[gram.set];
    if (count.last_end == end) return;  // a shorter one ended here
    count.last_end = end;
    if (count.ngrams++ == 0) count.item = gram.item;
  }

  const ContaminationIndex& index_;
  std::vector<Count> counts_;
};

std::vector<ContaminationHit> ContaminationIndex::find(std::string_view text) const {
  ONMAL_ASSERT(!anchors_.says_yes_to_all());
  if (grams_.empty()) return {};
  UnitWindow window(anchor_);
  Finder finder(*this);
  for_each_unit(text, [&](const TextUnit& unit) {
    if (window.push(unit)) finder.look_up(window);
  });
  return finder.hits();
}

}  // namespace onmal
