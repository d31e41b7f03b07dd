#pragma once

#include <span>
#include <string>
#include <vector>

#include "safety/categories.h"

namespace onmal {

// A classifier as moderation sees it: calibrated probabilities of categories, 0 for those it does
// not know.
class ScoreSource {
 public:
  virtual ~ScoreSource() = default;
  // In the order of the texts.
  virtual std::vector<CategoryScores> score(std::span<const std::string> texts) const = 0;
};

}  // namespace onmal
