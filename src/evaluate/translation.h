#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/metric.h"
#include "evaluate/text_units.h"

namespace onmal {

// references[r][i]: the r-th reference of text i.
using References = std::vector<std::vector<std::string>>;

// Corpus BLEU in percent, as sacreBLEU computes it: 4-grams, the closest reference length,
// exponential smoothing (Papineni et al., 2002; Post, 2018).
Metric bleu_metric(const std::vector<std::string>& hypotheses, const References& references,
                   TextUnits units = TextUnits::k13a);

// Corpus chrF in percent, as sacreBLEU computes it: character 1- to 6-grams without white space,
// beta 2; with words of `word_order` 2 it is chrF++ (Popović, 2015, 2017). Of several references
// the best one counts, text by text.
Metric chrf_metric(const std::vector<std::string>& hypotheses, const References& references,
                   size_t word_order = 0);

// Mean ROUGE-N or, for order 0, ROUGE-L: F1 of n-grams or of the longest common subsequence (Lin,
// 2004). Units: Hangul by syllables (else particles would part equal nouns), other letters and
// digits by words.
Metric rouge_metric(const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references, size_t order);

}  // namespace onmal
