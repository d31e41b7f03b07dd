#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/file.h"
#include "safety/moderator.h"

namespace onmal {
namespace {

// samples/incitement.tsv: calls to violence, and sentences that share their words.
TEST(Incitement, MostCallsAreFoundAndTheirLookAlikesAreNot) {
  const Moderator moderator = Moderator::standard();
  std::istringstream lines(read_file(ONMAL_SOURCE_DIR "/samples/incitement.tsv"));
  std::string line, missed, wrong;
  int calls = 0, found = 0, innocent = 0, flagged = 0;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::string text = line.substr(2);
    const ModerationResult result = moderator.check(text, Place::kAnswer);
    const bool said = result.actions[category_index(Category::kIncitement)] != Action::kAllow;
    if (line[0] == '1') {
      ++calls;
      found += said ? 1 : 0;
      if (!said) missed += "\n" + text;
    } else {
      ++innocent;
      flagged += said ? 1 : 0;
      if (said) wrong += "\n" + text;
    }
  }
  EXPECT_GE(calls, 30);
  EXPECT_GE(innocent, 20);
  EXPECT_GE(10 * found, 7 * calls) << found << " of " << calls << missed;
  EXPECT_LE(flagged, 2) << flagged << " of " << innocent << wrong;
}

}  // namespace
}  // namespace onmal
