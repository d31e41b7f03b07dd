#include "evaluate/correction.h"

#include <algorithm>
#include <cmath>

#include "evaluate/text_units.h"
#include "text/edits.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kOrder = 4;
constexpr size_t kWidth = 2 + 2 * kOrder;

void check(const std::vector<std::string>& sources, const std::vector<std::string>& hypotheses,
           const std::vector<std::string>& references) {
  check_same_count(hypotheses.size(), references.size());
  check_same_count(hypotheses.size(), sources.size());
}

double finish_gleu(std::span<const double> sums) {
  double log_sum = 0;
  for (size_t n = 1; n <= kOrder; ++n) {
    if (sums[2 * n] <= 0 || sums[2 * n + 1] <= 0) return 0;
    log_sum += std::log(sums[2 * n] / sums[2 * n + 1]) / static_cast<double>(kOrder);
  }
  return std::exp(std::min(0.0, 1 - sums[1] / sums[0]) + log_sum);
}

// Characters of the composed text as numbers, for comparing.
std::vector<uint32_t> character_codes(const std::vector<std::string>& characters) {
  std::vector<uint32_t> codes;
  for (const std::string& character : characters) {
    const Utf8Char c = read_utf8(character, 0);
    codes.push_back(c.valid ? c.code : 0x110000 + c.code);
  }
  return codes;
}

}  // namespace

Metric gleu_metric(const std::vector<std::string>& sources,
                   const std::vector<std::string>& hypotheses,
                   const std::vector<std::string>& references) {
  check(sources, hypotheses, references);
  std::vector<double> statistics;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<std::string> source = split_white_space(sources[i]);
    const std::vector<std::string> hypothesis = split_white_space(hypotheses[i]);
    const std::vector<std::string> reference = split_white_space(references[i]);
    statistics.push_back(static_cast<double>(hypothesis.size()));
    statistics.push_back(static_cast<double>(reference.size()));
    for (size_t n = 1; n <= kOrder; ++n) {
      const NgramCounts made = count_ngrams(hypothesis, n);
      const NgramCounts wanted = count_ngrams(reference, n);
      NgramCounts to_change = count_ngrams(source, n);
      std::erase_if(to_change, [&](const auto& entry) { return wanted.contains(entry.first); });
      const int64_t right = count_matches(made, wanted) - count_matches(made, to_change);
      statistics.push_back(static_cast<double>(std::max<int64_t>(0, right)));
      statistics.push_back(
          static_cast<double>(hypothesis.size() >= n ? hypothesis.size() - n + 1 : 0));
    }
  }
  return sums_metric("gleu", kWidth, std::move(statistics), finish_gleu);
}

std::vector<TextEdit> find_edits(const std::string& from, const std::string& to) {
  const auto composed = [](const std::string& text) {
    return characters_of(normalize_unicode(text, NormalForm::kNfc));
  };
  const std::vector<std::string> written = composed(to);
  std::vector<TextEdit> edits;
  for (const SequenceEdit& edit :
       find_sequence_edits(character_codes(composed(from)), character_codes(written))) {
    const auto at = [&](size_t i) { return written.begin() + static_cast<std::ptrdiff_t>(i); };
    edits.push_back({edit.begin, edit.end, {at(edit.to_begin), at(edit.to_end)}});
  }
  return edits;
}

Metric edit_metric(const std::vector<std::string>& sources,
                   const std::vector<std::string>& hypotheses,
                   const std::vector<std::string>& references, EditMeasure measure) {
  check(sources, hypotheses, references);
  std::vector<double> statistics;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<TextEdit> made = find_edits(sources[i], hypotheses[i]);
    const std::vector<TextEdit> wanted = find_edits(sources[i], references[i]);
    const auto right = std::count_if(made.begin(), made.end(), [&](const TextEdit& edit) {
      return std::find(wanted.begin(), wanted.end(), edit) != wanted.end();
    });
    statistics.insert(statistics.end(),
                      {static_cast<double>(right), static_cast<double>(made.size()),
                       static_cast<double>(wanted.size())});
  }
  const char* const names[] = {"precision", "recall", "f0.5"};
  return sums_metric(names[static_cast<size_t>(measure)], 3, std::move(statistics),
                     [measure](std::span<const double> sums) {
                       const double precision = sums[1] > 0 ? sums[0] / sums[1] : 1;
                       const double recall = sums[2] > 0 ? sums[0] / sums[2] : 1;
                       if (measure == EditMeasure::kPrecision) return precision;
                       if (measure == EditMeasure::kRecall) return recall;
                       return f_score(precision, recall, 0.5);
                     });
}

Metric fixed_metric(const std::vector<std::string>& sources,
                    const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references) {
  check(sources, hypotheses, references);
  const auto codes = [](const std::string& text) {
    return character_codes(characters_of(normalize_unicode(text, NormalForm::kNfc)));
  };
  std::vector<double> statistics;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::vector<uint32_t> reference = codes(references[i]);
    const std::vector<SequenceEdit> wanted = find_sequence_edits(codes(sources[i]), reference);
    const std::vector<SequenceEdit> left = find_sequence_edits(codes(hypotheses[i]), reference);
    const auto fixed = std::count_if(wanted.begin(), wanted.end(), [&](const SequenceEdit& edit) {
      return std::none_of(left.begin(), left.end(), [&](const SequenceEdit& rest) {
        return rest.to_begin <= edit.to_end && rest.to_end >= edit.to_begin;
      });
    });
    statistics.insert(statistics.end(),
                      {static_cast<double>(fixed), static_cast<double>(wanted.size())});
  }
  return sums_metric("fixed", 2, std::move(statistics), [](std::span<const double> sums) {
    return sums[1] > 0 ? sums[0] / sums[1] : 1;
  });
}

std::optional<Metric> harmed_metric(const std::vector<std::string>& sources,
                                    const std::vector<std::string>& hypotheses,
                                    const std::vector<std::string>& references) {
  check(sources, hypotheses, references);
  std::vector<double> harmed;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] == references[i]) harmed.push_back(hypotheses[i] == references[i] ? 0.0 : 1.0);
  }
  if (harmed.empty()) return std::nullopt;
  return mean_metric("harmed", std::move(harmed));
}

}  // namespace onmal
