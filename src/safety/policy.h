#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "safety/categories.h"

namespace onmal {

// Where a text stands.
enum class Place : uint8_t { kTrainingData, kUserInput, kRetrievedPassage, kAnswer };
inline constexpr size_t kPlaceCount = 4;
std::string_view place_name(Place place);  // "training_data", …
// Throws Error(kInvalidArgument), naming the known ones.
Place place_of(std::string_view name, const std::string& where);

// What is done with it; a larger one is stronger.
enum class Action : uint8_t { kAllow, kWarn, kRewrite, kBlock };
std::string_view action_name(Action action);

// The score from which each action is taken; never where infinite.
struct Thresholds {
  float warn = std::numeric_limits<float>::infinity();
  float rewrite = std::numeric_limits<float>::infinity();
  float block = std::numeric_limits<float>::infinity();

  Action action(float score) const {
    if (score >= block) return Action::kBlock;
    if (score >= rewrite) return Action::kRewrite;
    return score >= warn ? Action::kWarn : Action::kAllow;
  }
};

// What is done about each category at each place.
class Policy {
 public:
  // data/policy.toml.
  static Policy standard();
  // The standard one with the places that a TOML file names replaced; its format is told at the
  // head of data/policy.toml. Throws Error(kInvalidArgument) with the line.
  static Policy read(const std::filesystem::path& path);
  static Policy parse(std::string_view text, const std::string& where);

  const Thresholds& thresholds(Place place, Category category) const {
    return thresholds_[static_cast<size_t>(place)][category_index(category)];
  }
  Action action(Place place, Category category, float score) const {
    return thresholds(place, category).action(score);
  }

 private:
  friend class PolicyReader;
  std::array<std::array<Thresholds, kCategoryCount>, kPlaceCount> thresholds_{};
};

}  // namespace onmal
