#include "safety/categories.h"

#include <algorithm>

#include "base/error.h"

namespace onmal {
namespace {

constexpr std::array<std::string_view, kCategoryCount> kNames = {
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "hate/region",
    "hate/gender",
    "hate/age",
    "hate/religion",
    "hate/politics",
    "hate/race",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
    "illicit",
    "illicit/violent",
    "profanity",
    "incitement",
};

}  // namespace

std::string_view category_name(Category category) { return kNames[category_index(category)]; }

std::optional<Category> find_category(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return {};
  return category_at(static_cast<size_t>(found - kNames.begin()));
}

Category category_of(std::string_view name, const std::string& where) {
  if (const auto category = find_category(name)) return *category;
  std::string known;
  for (const std::string_view one : kNames) known += (known.empty() ? "" : ", ") + std::string(one);
  throw Error(ErrorCode::kInvalidArgument, where, "unknown category '" + std::string(name) + "'",
              "known ones: " + known);
}

std::optional<Category> parent_category(Category category) {
  const std::string_view name = category_name(category);
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {};
  return find_category(name.substr(0, slash));
}

void lift_parents(CategoryScores& scores) {
  for (size_t i = 0; i < kCategoryCount; ++i) {
    if (const auto parent = parent_category(category_at(i))) {
      float& score = scores[category_index(*parent)];
      score = std::max(score, scores[i]);
    }
  }
}

}  // namespace onmal
