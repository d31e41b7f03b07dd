#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace onmal {

// How often labels were found, label by label.
class LabelCounts {
 public:
  explicit LabelCounts(size_t labels) : counts_(labels) {}

  // One decision about one label: said, and true.
  void add(size_t label, bool said, bool is_true);

  // F1 of all decisions together: 2 TP / (2 TP + FP + FN); 0 where nothing was said or true.
  double micro_f1() const;
  // The mean of the labels' F1; a label that was neither said nor true counts as 0, as in
  // scikit-learn.
  double macro_f1() const;

 private:
  struct Count {
    int64_t found = 0;   // said and true
    int64_t wrong = 0;   // said and not true
    int64_t missed = 0;  // true and not said
  };
  static double f1(const Count& count);

  std::vector<Count> counts_;
};

// Pearson's correlation; 0 where one side does not vary.
double pearson(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace onmal
