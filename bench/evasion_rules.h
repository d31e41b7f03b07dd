#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/rng.h"

// Ways in which people write a word so that a filter does not find it and a reader does. Written
// from what is seen in comments, apart from the steps that undo them.
namespace onmal {

struct EvasionRule {
  std::string_view name;
  bool korean;   // applies to words in Hangul
  bool english;  // applies to words in Latin letters
  // Disguises the word; returns it unchanged where the rule has nothing to take hold of.
  std::string (*apply)(const std::string& word, Rng& rng);
};

std::span<const EvasionRule> evasion_rules();

}  // namespace onmal
