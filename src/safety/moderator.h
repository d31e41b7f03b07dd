#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "safety/categories.h"
#include "safety/lexicon.h"
#include "safety/policy.h"
#include "safety/score_source.h"

namespace onmal {

// What of the text was to blame: bytes of the text as it was given.
struct ModerationSpan {
  size_t begin = 0;
  size_t end = 0;
  Category category = Category::kProfanity;
  float score = 0;
  View view = View::kPlain;  // how it was found

  bool operator==(const ModerationSpan&) const = default;
};

struct ModerationResult {
  CategoryScores scores{};
  std::array<Action, kCategoryCount> actions{};  // by category
  Action action = Action::kAllow;                // the strongest of them
  bool flagged = false;                          // another action than allow
  std::vector<ModerationSpan> spans;             // by place; some may overlap
};

// The text with each span covered, a ○ a character. Spans as in ModerationResult.
std::string cover_spans(std::string_view text, const std::vector<ModerationSpan>& spans);

// Judges texts by a lexicon and, where there are, classifiers: a category's score is the largest
// that one of them gives, for the text as it is or with its disguises folded away. Thread-safe.
class Moderator {
 public:
  Moderator(Lexicon lexicon, Policy policy);
  // The lexicon, policy and linear classifier that are built in.
  static Moderator standard();

  void add_source(std::unique_ptr<ScoreSource> source) { sources_.push_back(std::move(source)); }
  void set_policy(Policy policy) { policy_ = policy; }
  const Policy& policy() const { return policy_; }
  const Lexicon& lexicon() const { return lexicon_; }

  // Texts of any length, in windows of some 2 KB that overlap. Bytes that are not UTF-8 are passed
  // over; Hangul in conjoining jamo (NFD) is judged as if it were composed.
  ModerationResult check(std::string_view text, Place place) const;
  // Without a policy: scores and spans alone.
  ModerationResult scores(std::string_view text) const;
  void decide(ModerationResult& result, Place place) const;

 private:
  ModerationResult scores_composed(std::string_view text) const;
  // `seen_before`: the first span of the window before.
  void add_window(std::string_view text, size_t offset, size_t seen_before,
                  ModerationResult& result) const;

  Lexicon lexicon_;
  Policy policy_;
  std::vector<std::unique_ptr<ScoreSource>> sources_;
};

}  // namespace onmal
