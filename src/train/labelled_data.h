#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/classifier.h"
#include "train/ngram_training.h"
#include "train/recipe.h"

namespace onmal {

// A text with what is to be said of it.
struct Example {
  std::string text;
  std::string second;           // with data.pair_column: the text it is judged with
  std::vector<int32_t> labels;  // numbers of labels: one, any, or one for each word (kTokens)
  std::vector<float> values;    // kRegression
};

struct LabelledData {
  std::vector<std::string> labels;  // by number
  std::vector<Example> train, heldout;
};

// Reads the tables of the recipe. Labels are those that training rows have, in numerical order
// where all are whole numbers, else in alphabetical order. Without a held-out table about so many
// rows in a thousand are held out, chosen by their text. Throws Error(kBadFile / kInvalidArgument)
// naming file and row: a row without text or label, a label that training never sees, a number that
// is none, as many labels as words, a split that came out empty.
LabelledData read_labelled_data(const DataRecipe& data, ClassifyTask task);

// The rows of one more table with these labels, and what is known of each: 1, 0, or -1 where a text
// has labels with "!" alone ("!x": it is not x) and another label is meant. Throws as above.
std::vector<NgramExample> read_label_targets(const std::filesystem::path& path,
                                             const DataRecipe& data, ClassifyTask task,
                                             const std::vector<std::string>& labels);

// The words of a text: stretches without spaces.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace onmal
