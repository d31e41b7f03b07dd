#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onmal {

// What a text may be guilty of: OpenAI's moderation names, and those that Korean comments need.
enum class Category : uint8_t {
  kHarassment,
  kHarassmentThreatening,
  kHate,
  kHateThreatening,
  kHateRegion,
  kHateGender,
  kHateAge,
  kHateReligion,
  kHatePolitics,
  kHateRace,
  kSelfHarm,
  kSelfHarmIntent,
  kSelfHarmInstructions,
  kSexual,
  kSexualMinors,
  kViolence,
  kViolenceGraphic,
  kIllicit,
  kIllicitViolent,
  kProfanity,
  kIncitement,
};

inline constexpr size_t kCategoryCount = 21;

// One score from 0 to 1 for each category.
using CategoryScores = std::array<float, kCategoryCount>;

// "hate/region" and the like.
std::string_view category_name(Category category);
std::optional<Category> find_category(std::string_view name);
// Throws Error(kInvalidArgument), naming `where` and the known names.
Category category_of(std::string_view name, const std::string& where);
// "hate" of "hate/region"; nothing for "hate" itself.
std::optional<Category> parent_category(Category category);
inline Category category_at(size_t index) { return static_cast<Category>(index); }
inline size_t category_index(Category category) { return static_cast<size_t>(category); }

// A kind of hate is hate: a parent scores at least what its parts do.
void lift_parents(CategoryScores& scores);

}  // namespace onmal
