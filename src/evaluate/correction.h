#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/metric.h"

namespace onmal {

// Corpus GLEU of corrections: n-grams (1 to 4, of words) shared with the reference, less those
// that were kept from the source but should have been changed (Napoles et al., 2015, 2016).
// 0 to 1.
Metric gleu_metric(const std::vector<std::string>& sources,
                   const std::vector<std::string>& hypotheses,
                   const std::vector<std::string>& references);

// A change of a text: characters [begin, end) become `replacement`.
struct TextEdit {
  size_t begin;
  size_t end;
  std::vector<std::string> replacement;

  bool operator==(const TextEdit&) const = default;
};

// The fewest changed characters between two texts, neighbouring changes joined; spaces count as
// characters, so that spacing is corrected like spelling. Equal changes are found at equal places.
// Throws Error(kResource) for a pair of texts too long to compare.
std::vector<TextEdit> find_edits(const std::string& from, const std::string& to);

enum class EditMeasure : unsigned char { kPrecision, kRecall, kF05 };

// Of the edits that the hypotheses make, how many are the references'; of the references', how many
// were made; F with beta 0.5. In the manner of the MaxMatch scorer (Dahlmeier & Ng, 2012), by
// characters. Where no edit is made (or wanted), precision (or recall) is 1.
Metric edit_metric(const std::vector<std::string>& sources,
                   const std::vector<std::string>& hypotheses,
                   const std::vector<std::string>& references, EditMeasure measure);

// Of the mistakes (edits from source to reference), how many are gone: nothing of the reference's
// wording there or right beside it has yet to be changed in the hypothesis. Unlike recall it does
// not ask how a hypothesis's changes are joined.
Metric fixed_metric(const std::vector<std::string>& sources,
                    const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references);

// Of the sentences without a mistake (source and reference are equal), how many were changed. Its
// items are those sentences alone; none where there are none.
std::optional<Metric> harmed_metric(const std::vector<std::string>& sources,
                                    const std::vector<std::string>& hypotheses,
                                    const std::vector<std::string>& references);

}  // namespace onmal
