#include "corpus/hangul_noise.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kText =
    "오랜만에 친구를 만나서 맛있는 음식을 먹어 봤다. 그런데 날씨가 좋아 산책도 했어요.\n"
    "내일은 일찍 일어나서 학교에 갈게요 and more\t안 되는 일은 없다\n";

// What lies between the changes is equal, and the changes tell the whole difference.
TEST(HangulNoise, AlignmentRebuildsTheCleanText) {
  std::set<Mistake> seen;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Rng rng(seed);
    const NoisyText noisy = add_noise(kText, {0.5}, rng);
    std::string rebuilt;
    size_t clean = 0;
    size_t place = 0;
    for (const NoiseChange& change : noisy.changes) {
      seen.insert(change.mistake);
      ASSERT_GE(change.clean_begin, clean);
      ASSERT_GE(change.noisy_begin, place);
      ASSERT_EQ(kText.substr(clean, change.clean_begin - clean),
                noisy.text.substr(place, change.noisy_begin - place));
      rebuilt += noisy.text.substr(place, change.noisy_begin - place);
      rebuilt += kText.substr(change.clean_begin, change.clean_end - change.clean_begin);
      clean = change.clean_end;
      place = change.noisy_end;
    }
    rebuilt += noisy.text.substr(place);
    ASSERT_EQ(rebuilt, kText);
    ASSERT_EQ(find_invalid_utf8(noisy.text), std::string_view::npos);
  }
  EXPECT_EQ(seen.size(), kMistakeKinds);
}

TEST(HangulNoise, SameSeedSameMistakesAndRatesOfNothingAndAll) {
  Rng a(7);
  Rng b(7);
  EXPECT_EQ(add_noise(kText, {0.3}, a).text, add_noise(kText, {0.3}, b).text);
  EXPECT_EQ(add_noise(kText, {0}, a).text, kText);
  EXPECT_GT(add_noise(kText, {1}, a).changes.size(), 15U);
  EXPECT_THROW(add_noise(kText, {1.5}, a), Error);
  EXPECT_TRUE(add_noise("only Latin words 123", {1}, a).changes.empty());
  EXPECT_TRUE(add_noise("", {1}, a).text.empty());
}

TEST(HangulNoise, KnownMistakesAppear) {
  std::set<std::string> forms;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    Rng rng(seed);
    forms.insert(add_noise("좋아 되면 갈게요", {0.8}, rng).text);
  }
  for (const std::string_view wanted : {"조아", "돼면", "갈께요", "whgdk", "좋아되면"}) {
    bool found = false;
    for (const std::string& form : forms) found = found || form.find(wanted) != std::string::npos;
    EXPECT_TRUE(found) << wanted;
  }
}

}  // namespace
}  // namespace onmal
