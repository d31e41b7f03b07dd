#include "cli/content_check.h"

#include <fmt/format.h>

#include <memory>

#include "base/file.h"
#include "base/hash.h"
#include "safety/embedded.h"
#include "safety/moderator.h"

namespace onmal {
namespace {

constexpr uint64_t kMostPolicyBytes = uint64_t{1} << 20;

}  // namespace

void add_content_check_options(CLI::App& command, ContentCheckOptions& options) {
  command
      .add_option("--moderate", options.moderate,
                  "Judge each document that is left as 'onmal moderate --place training_data' "
                  "does: 'tag' notes the categories in its line, 'drop' also leaves out what the "
                  "policy blocks")
      ->check(CLI::IsMember({"tag", "drop"}));
  command.add_option("--policy", options.policy, "With --moderate: a policy (TOML)")
      ->check(CLI::ExistingFile);
}

void set_content_check(const ContentCheckOptions& options, PrepareOptions& prepare) {
  if (options.moderate.empty()) {
    if (!options.policy.empty())
      throw CLI::ValidationError("--policy", "says something with --moderate alone");
    return;
  }
  const std::string policy =
      options.policy.empty() ? "" : read_file(options.policy, kMostPolicyBytes);
  auto moderator = std::make_shared<Moderator>(Moderator::standard());
  if (!options.policy.empty()) moderator->set_policy(Policy::parse(policy, options.policy));
  const bool drop = options.moderate == "drop";
  prepare.content_check = [moderator = std::shared_ptr<const Moderator>(moderator),
                           drop](std::string_view text) {
    const ModerationResult result = moderator->check(text, Place::kTrainingData);
    ContentVerdict verdict;
    verdict.refused = drop && result.action == Action::kBlock;
    for (size_t i = 0; i < kCategoryCount; ++i) {
      if (result.actions[i] != Action::kAllow)
        verdict.tags.emplace_back(category_name(category_at(i)));
    }
    return verdict;
  };
  // A run goes on only where all that judges is the same.
  uint64_t hash = fnv1a(policy);
  for (const std::string_view part :
       {embedded_lexicon(), embedded_exceptions(), embedded_policy(), embedded_linear_model()})
    hash = fnv1a(part, hash);
  prepare.content_check_name = fmt::format("moderation {} {:016x}", options.moderate, hash);
}

}  // namespace onmal
