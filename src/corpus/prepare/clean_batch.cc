#include "corpus/prepare/clean_batch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "corpus/clean/personal_data.h"
#include "corpus/prepare/part_file.h"

namespace onmal {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t end = text.find_last_not_of(kBlank);
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  // The first line keeps its indentation.
  const size_t first = text.find_first_not_of(kBlank);
  const size_t line = text.substr(0, first).rfind('\n');
  return line == std::string_view::npos ? text : text.substr(line + 1);
}

bool is_judged(Language language) {
  return language != Language::kCode && language != Language::kJapanese &&
         language != Language::kChinese;
}

}  // namespace

Cleaner::Cleaner(const PrepareOptions& options) : options_(options) {}

void Cleaner::add_sample(std::string_view rule, const CleanBatch::Document& document,
                         std::string_view text, CleanBatch& batch) const {
  const PrepareSource& source = options_.sources[document.source];
  if (!source.samples) return;
  const std::string& file = source.file_names[document.file];
  const uint64_t rank = sample_rank(file, document.record);
  if (!batch.counts.samples.wants(rule, rank)) return;
  batch.counts.samples.add(rule, {rank, file, document.record, sample_excerpt(text)});
}

bool Cleaner::judge(const PrepareSource& source, Language language,
                    const CleanBatch::Document& document, std::string_view raw, CleanBatch& batch) {
  SourceCounts& counts = batch.counts.sources[document.source];
  QualityLimits limits = quality_limits(language);
  if (source.least_characters > 0) limits.least_characters = source.least_characters;
  if (language == Language::kOther) limits.least_function_words = 0;  // those of English
  const Language rules = language == Language::kKorean ? language : Language::kEnglish;
  const QualityOutcome outcome = judge_.judge(raw, rules, limits);
  if (outcome.dropped) {
    counts.rules[static_cast<size_t>(*outcome.dropped)].add(raw.size());
    add_sample(quality_rule_name(*outcome.dropped), document, raw, batch);
    return false;
  }
  for (const QualityCut& cut : outcome.cuts) {
    Count& count = counts.rules[static_cast<size_t>(cut.rule)];
    count.items += cut.last_line - cut.first_line + 1;
    count.bytes += cut.end - cut.begin;
    add_sample(quality_rule_name(cut.rule), document, raw.substr(cut.begin, cut.end - cut.begin),
               batch);
  }
  left_ = raw;
  if (!outcome.cuts.empty()) left_ = cut_ = apply_cuts(raw, outcome.cuts);
  return true;
}

void Cleaner::mask(Language language, const CleanBatch::Document& document, CleanBatch& batch) {
  const std::vector<PersonalSpan> spans = find_personal_data(left_);
  if (spans.empty()) return;
  SourceCounts& counts = batch.counts.sources[document.source];
  for (const PersonalSpan& span : spans)
    counts.personal[static_cast<size_t>(span.kind)].add(span.end - span.begin);
  const MaskStyle style =
      language == Language::kKorean ? MaskStyle::kKoreanTag : MaskStyle::kEnglishTag;
  left_ = masked_ = mask_personal_data(left_, spans, style);
  // What stands before the first one is as it was.
  size_t begin = spans[0].begin - std::min<size_t>(spans[0].begin, 90);
  while (begin > 0 && (static_cast<uint8_t>(left_[begin]) & 0xC0) == 0x80) --begin;
  add_sample("personal_data/" + std::string(personal_kind_name(spans[0].kind)), document,
             left_.substr(begin), batch);
}

void Cleaner::clean_document(const CleanBatch::Document& document, CleanBatch& batch) {
  const PrepareSource& source = options_.sources[document.source];
  SourceCounts& counts = batch.counts.sources[document.source];
  const std::string_view raw =
      trimmed(std::string_view(batch.text).substr(document.begin, document.size));
  counts.read.add(raw.size());
  const DocumentLanguage found = document_language(raw);
  ++counts.languages[static_cast<size_t>(found.language)].items;
  for (size_t i = 0; i < kLanguages; ++i) counts.languages[i].bytes += found.bytes[i];
  const auto& wanted = options_.languages;
  if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), found.language) == wanted.end()) {
    counts.other_language.add(raw.size());
    return add_sample("other_language", document, raw, batch);
  }
  if (source.judge && is_judged(found.language)) {
    if (!judge(source, found.language, document, raw, batch)) return;
  } else {
    left_ = raw;
  }
  left_ = trimmed(left_);
  if (left_.empty()) {
    counts.emptied.add(raw.size());
    return add_sample("emptied", document, raw, batch);
  }
  mask(found.language, document, batch);
  counts.cleaned.add(left_.size());
  batch.fingerprints.push_back(fingerprint_text(left_));
  append_document(
      {left_, std::string_view(batch.text).substr(document.url_begin, document.url_size),
       document.source, document.file, document.record, document.offset, found.language,
       batch.fingerprints.back()},
      batch.block);
}

void Cleaner::clean(CleanBatch& batch) {
  constexpr size_t kHeaderRoom = 64;  // bytes beside a document's text
  batch.counts.samples = Samples(options_.samples);
  for (const auto& [source, fault] : batch.faults) {
    batch.counts.sources[source].faults.add(0);
    if (batch.counts.faults.size() < PartCounts::kMostFaults) batch.counts.faults.push_back(fault);
  }
  batch.block.reserve(batch.text.size() + kHeaderRoom * batch.documents.size());
  batch.fingerprints.reserve(batch.documents.size());
  for (const CleanBatch::Document& document : batch.documents) clean_document(document, batch);
}

}  // namespace onmal
