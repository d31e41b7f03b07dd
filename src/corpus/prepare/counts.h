#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "corpus/clean/language.h"
#include "corpus/clean/personal_data.h"
#include "corpus/clean/quality.h"

namespace onmal {

// Documents (or lines, or spans, as the name says) and bytes of text.
struct Count {
  uint64_t items = 0;
  uint64_t bytes = 0;

  void add(uint64_t size) {
    ++items;
    bytes += size;
  }
  Count& operator+=(const Count& other) {
    items += other.items;
    bytes += other.bytes;
    return *this;
  }
  bool operator==(const Count&) const = default;
};

// What happened to the documents of a source, stage by stage.
struct SourceCounts {
  Count read;
  Count faults;  // records passed over; no bytes
  // Language and quality. Of rules that cut: lines; of those that drop: documents.
  std::array<Count, kLanguages> languages = {};  // documents by their main one, bytes of each
  Count other_language;                          // dropped
  std::array<Count, kQualityRules> rules = {};
  Count emptied;                                    // nothing left after cuts
  std::array<Count, kPersonalKinds> personal = {};  // spans masked, bytes of them
  Count cleaned;                                    // left so far
  // Duplicates, evaluation sets, the content check.
  Count exact;
  Count near;
  Count repeated_paragraphs;  // paragraphs
  Count emptied_by_paragraphs;
  Count contaminated;
  Count refused;    // by the content check
  Count tagged;     // likewise; they stay
  Count unsampled;  // weight below 1
  // What is written.
  Count train;  // each document once
  Count heldout;
  uint64_t train_tokens = 0;  // each as often as its weight says
  uint64_t heldout_tokens = 0;

  // Calls take(stage, name, count) for each; the stage is "" for single ones.
  void for_each(FunctionRef<void(std::string_view stage, std::string_view name, Count&)> take);
  SourceCounts& operator+=(const SourceCounts& other);
};

// A document, or a part of one, that a rule concerned, as an excerpt without personal data.
struct Sample {
  uint64_t rank = 0;  // those of least rank are kept: a choice by chance, the same every time
  std::string file;
  uint64_t record = 0;
  std::string text;
};

// At most so many samples for each rule; which ones does not depend on the order of adding.
class Samples {
 public:
  explicit Samples(size_t most = 0) : most_(most) {}

  // Whether a sample of this rank would be kept.
  bool wants(std::string_view rule, uint64_t rank) const;
  void add(std::string_view rule, Sample sample);
  void merge(const Samples& other);
  const std::map<std::string, std::vector<Sample>, std::less<>>& by_rule() const { return rules_; }

 private:
  size_t most_;
  std::map<std::string, std::vector<Sample>, std::less<>> rules_;  // by rank
};

// The rank of a document's samples.
uint64_t sample_rank(std::string_view file, uint64_t record);
// The first so many bytes, cut at a character, personal data of every kind masked.
std::string sample_excerpt(std::string_view text);

// A record or file that was passed over.
struct PrepareFault {
  std::string file;
  uint64_t record = 0;
  std::string what;
};

// What a part of the corpus adds to the report.
struct PartCounts {
  std::map<uint32_t, SourceCounts> sources;
  Samples samples;
  std::vector<PrepareFault> faults;                        // the first so many
  std::map<std::string, Count, std::less<>> contaminated;  // by evaluation set

  static constexpr size_t kMostFaults = 1000;
  void merge(const PartCounts& other);
};

}  // namespace onmal
