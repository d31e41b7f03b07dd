#include "evaluate/correction.h"
#include "evaluate/scoring_task.h"
#include "evaluate/translation.h"

namespace onmal {

ScoringTask translation_task() {
  return {
      "translation", "BLEU (13a, syllables, characters), chrF and chrF++, as sacreBLEU", false,
      [](const ScoringInput& input) -> std::vector<Metric> {
        Metric syllables = bleu_metric(input.predictions, input.references, TextUnits::kSyllable);
        syllables.name = "bleu_syllable";
        Metric characters = bleu_metric(input.predictions, input.references, TextUnits::kCharacter);
        characters.name = "bleu_char";
        return {bleu_metric(input.predictions, input.references), syllables, characters,
                chrf_metric(input.predictions, input.references),
                chrf_metric(input.predictions, input.references, 2)};
      }};
}

ScoringTask summary_task() {
  return {"summary", "ROUGE-1, -2 and -L, Hangul by syllables", false,
          [](const ScoringInput& input) -> std::vector<Metric> {
            const std::vector<std::string>& references = input.references.at(0);
            return {rouge_metric(input.predictions, references, 1),
                    rouge_metric(input.predictions, references, 2),
                    rouge_metric(input.predictions, references, 0)};
          }};
}

ScoringTask correction_task() {
  return {
      "correction",
      "GLEU; precision, recall and F0.5 of edits; mistakes fixed, clean sentences "
      "harmed; needs --sources",
      true, [](const ScoringInput& input) -> std::vector<Metric> {
        std::vector<Metric> metrics = {
            gleu_metric(input.sources, input.predictions, input.references.at(0))};
        for (const EditMeasure measure :
             {EditMeasure::kPrecision, EditMeasure::kRecall, EditMeasure::kF05})
          metrics.push_back(
              edit_metric(input.sources, input.predictions, input.references.at(0), measure));
        metrics.push_back(fixed_metric(input.sources, input.predictions, input.references.at(0)));
        if (auto harmed = harmed_metric(input.sources, input.predictions, input.references.at(0)))
          metrics.push_back(*std::move(harmed));
        return metrics;
      }};
}

}  // namespace onmal
