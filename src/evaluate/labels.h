#pragma once

#include <string>
#include <vector>

#include "evaluate/metric.h"

namespace onmal {

// Labels of each item; one each, or any number (multi-label).
using LabelSets = std::vector<std::vector<std::string>>;

// The share of items with exactly the right labels: accuracy, or subset accuracy.
Metric accuracy_metric(const LabelSets& predictions, const LabelSets& references);
// F1 of all decisions together.
Metric micro_f1_metric(const LabelSets& predictions, const LabelSets& references);
// The mean over the labels (of references or predictions) of each label's F1.
Metric macro_f1_metric(const LabelSets& predictions, const LabelSets& references);

// Area under the ROC curve: how often a positive item scores above a negative one, ties half.
// NaN on samples of one kind only.
Metric auroc_metric(const std::vector<double>& scores, const std::vector<bool>& positive);
// Linear and rank correlation; ties share their mean rank. NaN where nothing varies.
Metric pearson_metric(const std::vector<double>& x, const std::vector<double>& y);
Metric spearman_metric(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace onmal
