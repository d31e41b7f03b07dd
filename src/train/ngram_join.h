#pragma once

#include <filesystem>
#include <span>

#include "base/thread_pool.h"
#include "models/classifier.h"
#include "train/labelled_data.h"
#include "train/mixing.h"
#include "train/objective.h"

namespace onmal {

// Trains the n-gram part of the classifier in `folder` on data.train and the recipe's extra texts,
// fits on the recipe's mix_table how the two are joined, and writes ngrams.bin there. Throws
// Error(kInvalidArgument) where a text of mix_table is learned from, or the table is empty.
void join_ngrams(ThreadPool& pool, const NgramRecipe& recipe, const DataRecipe& tables,
                 const LabelledData& data, const std::filesystem::path& folder);

// Accuracy (of several labels: all of them right) and F1 of what a classifier says of these texts.
Evaluation measure_classifier(ThreadPool& pool, const Classifier& classifier,
                              const std::vector<Example>& examples);

}  // namespace onmal
