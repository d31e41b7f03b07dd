#include "safety/policy.h"

#include <toml++/toml.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "safety/embedded.h"

namespace onmal {
namespace {

constexpr std::array<std::string_view, kPlaceCount> kPlaces = {"training_data", "user_input",
                                                               "retrieved_passage", "answer"};
constexpr std::array<std::string_view, 4> kActions = {"allow", "warn", "rewrite", "block"};
constexpr uint64_t kMostPolicyBytes = uint64_t{1} << 20;

}  // namespace

std::string_view place_name(Place place) { return kPlaces[static_cast<size_t>(place)]; }
std::string_view action_name(Action action) { return kActions[static_cast<size_t>(action)]; }

Place place_of(std::string_view name, const std::string& where) {
  const auto found = std::find(kPlaces.begin(), kPlaces.end(), name);
  if (found == kPlaces.end())
    throw Error(ErrorCode::kInvalidArgument, where, "unknown place '" + std::string(name) + "'",
                "known ones: training_data, user_input, retrieved_passage, answer");
  return static_cast<Place>(found - kPlaces.begin());
}

// Reads the places of one file into a policy.
class PolicyReader {
 public:
  explicit PolicyReader(std::string where) : where_(std::move(where)) {}

  void read(std::string_view text, Policy& policy) const {
    if (text.size() > kMostPolicyBytes)
      throw Error(ErrorCode::kResource, where_, "larger than 1 MiB", "give a smaller file");
    toml::table file;
    try {
      file = toml::parse(text, where_);
    } catch (const toml::parse_error& error) {
      throw Error(ErrorCode::kInvalidArgument, at(error.source()), std::string(error.description()),
                  "a policy is TOML");
    }
    for (const auto& [name, node] : file) {
      const Place place = place_of(name.str(), at(name.source()));
      const toml::table* table = node.as_table();
      if (table == nullptr) refuse(node, "a place must be a table: [answer]");
      policy.thresholds_[static_cast<size_t>(place)] = read_place(*table);
    }
  }

 private:
  std::string at(const toml::source_region& source) const {
    return where_ + ":" + std::to_string(source.begin.line);
  }
  [[noreturn]] void refuse(const toml::node& node, const std::string& what,
                           const std::string& hint = "") const {
    throw Error(ErrorCode::kInvalidArgument, at(node.source()), what, hint);
  }

  std::array<Thresholds, kCategoryCount> read_place(const toml::table& table) const {
    std::array<std::optional<Thresholds>, kCategoryCount> named;
    Thresholds all;
    for (const auto& [name, node] : table) {
      const Thresholds thresholds = read_thresholds(node);
      if (name.str() == "*") {
        all = thresholds;
      } else {
        named[category_index(category_of(name.str(), at(name.source())))] = thresholds;
      }
    }
    std::array<Thresholds, kCategoryCount> resolved;
    for (size_t i = 0; i < kCategoryCount; ++i) {
      const auto parent = parent_category(category_at(i));
      const auto& whole = parent ? named[category_index(*parent)] : named[i];
      resolved[i] = named[i] ? *named[i] : whole.value_or(all);
    }
    return resolved;
  }

  Thresholds read_thresholds(const toml::node& node) const {
    Thresholds thresholds;
    if (node.is_string() && node.value_or(std::string()) == "allow") return thresholds;
    const toml::table* table = node.as_table();
    if (table == nullptr)
      refuse(node, "a category's value must be \"allow\" or a table of thresholds",
             "for example { warn = 0.5, block = 0.8 }");
    for (const auto& [name, value] : *table) {
      const double score = value.value<double>().value_or(-1.0);
      if (!value.is_number() || !(score > 0 && score <= 1))
        refuse(value, "a threshold must be a number above 0 and at most 1");
      if (name.str() == "warn") {
        thresholds.warn = static_cast<float>(score);
      } else if (name.str() == "rewrite") {
        thresholds.rewrite = static_cast<float>(score);
      } else if (name.str() == "block") {
        thresholds.block = static_cast<float>(score);
      } else {
        refuse(value, "unknown action '" + std::string(name.str()) + "'",
               "known ones: warn, rewrite, block");
      }
    }
    return thresholds;
  }

  std::string where_;
};

Policy Policy::standard() {
  Policy policy;
  PolicyReader("standard policy").read(embedded_policy(), policy);
  return policy;
}

Policy Policy::parse(std::string_view text, const std::string& where) {
  Policy policy = standard();
  PolicyReader(where).read(text, policy);
  return policy;
}

Policy Policy::read(const std::filesystem::path& path) {
  return parse(read_file(path, kMostPolicyBytes), path.string());
}

}  // namespace onmal
