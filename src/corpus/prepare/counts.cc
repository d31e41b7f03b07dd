#include "corpus/prepare/counts.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "corpus/dedup/mix.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kExcerptBytes = 300;

}  // namespace

void SourceCounts::for_each(
    FunctionRef<void(std::string_view stage, std::string_view name, Count&)> take) {
  take("", "read", read);
  take("", "faults", faults);
  for (size_t i = 0; i < kLanguages; ++i)
    take("languages", language_name(static_cast<Language>(i)), languages[i]);
  take("dropped", "other_language", other_language);
  for (size_t i = 0; i < kQualityRules; ++i) {
    const auto rule = static_cast<QualityRule>(i);
    take(rule < QualityRule::kBrokenEncoding ? "cut" : "dropped", quality_rule_name(rule),
         rules[i]);
  }
  take("dropped", "emptied", emptied);
  for (size_t i = 0; i < kPersonalKinds; ++i)
    take("masked", personal_kind_name(static_cast<PersonalKind>(i)), personal[i]);
  take("", "cleaned", cleaned);
  take("dropped", "exact_duplicate", exact);
  take("dropped", "near_duplicate", near);
  take("cut", "repeated_paragraph", repeated_paragraphs);
  take("dropped", "emptied_by_paragraphs", emptied_by_paragraphs);
  take("dropped", "contaminated", contaminated);
  take("dropped", "refused_content", refused);
  take("", "tagged", tagged);
  take("dropped", "unsampled", unsampled);
  take("", "train", train);
  take("", "heldout", heldout);
}

SourceCounts& SourceCounts::operator+=(const SourceCounts& other) {
  std::vector<Count> theirs;
  SourceCounts copy = other;
  copy.for_each([&](auto, auto, Count& count) { theirs.push_back(count); });
  size_t at = 0;
  for_each([&](auto, auto, Count& count) { count += theirs[at++]; });
  train_tokens += other.train_tokens;
  heldout_tokens += other.heldout_tokens;
  return *this;
}

bool Samples::wants(std::string_view rule, uint64_t rank) const {
  if (most_ == 0) return false;
  const auto found = rules_.find(rule);
  return found == rules_.end() || found->second.size() < most_ || rank < found->second.back().rank;
}

void Samples::add(std::string_view rule, Sample sample) {
  if (!wants(rule, sample.rank)) return;
  std::vector<Sample>& samples = rules_[std::string(rule)];
  const auto place = std::upper_bound(
      samples.begin(), samples.end(), sample, [](const Sample& a, const Sample& b) {
        return std::pair(a.rank, a.record) < std::pair(b.rank, b.record);
      });
  samples.insert(place, std::move(sample));
  if (samples.size() > most_) samples.pop_back();
}

void Samples::merge(const Samples& other) {
  for (const auto& [rule, samples] : other.rules_) {
    for (const Sample& sample : samples) add(rule, sample);
  }
}

uint64_t sample_rank(std::string_view file, uint64_t record) {
  return mix_bits(fnv1a(file) ^ mix_bits(record));
}

std::string sample_excerpt(std::string_view text) {
  // A little more is looked at than shown: data that is cut in two would not be known.
  const std::string_view longer = text.substr(0, kExcerptBytes + 100);
  PersonalOptions options;
  options.kinds.fill(true);
  options.least = Confidence::kLow;
  std::string masked =
      mask_personal_data(longer, find_personal_data(longer, options), MaskStyle::kEnglishTag);
  if (masked.size() > kExcerptBytes) masked.resize(kExcerptBytes);
  masked.resize(masked.size() - incomplete_tail(masked));
  return masked + (text.size() > kExcerptBytes ? " …" : "");
}

void PartCounts::merge(const PartCounts& other) {
  for (const auto& [source, counts] : other.sources) sources[source] += counts;
  samples.merge(other.samples);
  for (const PrepareFault& fault : other.faults) {
    if (faults.size() < kMostFaults) faults.push_back(fault);
  }
  for (const auto& [set, count] : other.contaminated) contaminated[set] += count;
}

}  // namespace onmal
