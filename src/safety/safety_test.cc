#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "safety/decision_log.h"
#include "safety/embedded.h"
#include "safety/encoder_scores.h"
#include "safety/keyword_automaton.h"
#include "safety/linear_classifier.h"
#include "safety/moderation_stream.h"
#include "safety/moderator.h"
#include "safety/word_edges.h"
#include "text/unicode.h"

namespace onmal {
namespace {

std::string found_in(const std::string& text, const Lexicon& lexicon) {
  std::string out;
  for (const LexiconHit& hit : lexicon.search(text)) {
    if (!out.empty()) out += "|";
    out += text.substr(hit.begin, hit.end - hit.begin);
    out += ":";
    out += category_name(hit.category);
  }
  return out;
}

TEST(KeywordAutomaton, FindsWhatBruteForceFinds) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    const auto word = [&](size_t most) {
      std::u32string made;
      for (size_t n = 1 + rng.below(most); n > 0; --n)
        made += U'a' + static_cast<char32_t>(rng.below(3));
      return made;
    };
    KeywordAutomaton automaton;
    std::vector<std::u32string> words;
    for (uint32_t i = 0; i < 12; ++i) {
      words.push_back(word(4));
      automaton.add(words.back(), i);
    }
    automaton.prepare();
    const std::u32string text = word(60);
    std::vector<std::pair<size_t, uint32_t>> expected, got;
    for (size_t at = 0; at < text.size(); ++at)
      for (uint32_t i = 0; i < words.size(); ++i)
        if (text.compare(at, words[i].size(), words[i]) == 0) expected.emplace_back(at, i);
    automaton.search(text, [&](size_t begin, size_t end, uint32_t id) {
      EXPECT_EQ(text.substr(begin, end - begin), words[id]);
      got.emplace_back(begin, id);
    });
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, expected);
  }
}

TEST(Categories, NamesGoBothWaysAndPartsLiftTheWhole) {
  for (size_t i = 0; i < kCategoryCount; ++i)
    EXPECT_EQ(find_category(category_name(category_at(i))), category_at(i));
  EXPECT_EQ(parent_category(Category::kHateRegion), Category::kHate);
  EXPECT_EQ(parent_category(Category::kHate), std::nullopt);
  EXPECT_THROW(category_of("hat", "test"), Error);
  CategoryScores scores{};
  scores[category_index(Category::kHateAge)] = 0.7F;
  lift_parents(scores);
  EXPECT_EQ(scores[category_index(Category::kHate)], 0.7F);
}

TEST(Lexicon, SpansAreBytesOfTheOriginal) {
  const Lexicon lexicon = Lexicon::standard();
  EXPECT_EQ(found_in("정말 시발", lexicon), "시발:profanity");
  EXPECT_EQ(found_in("정말 ㅅㅣ발 뭐", lexicon), "ㅅㅣ발:profanity");
  EXPECT_EQ(found_in("정말 시\u200B발!", lexicon), "시\u200B발:profanity");
  EXPECT_EQ(found_in("what a ｆｕｃｋ", lexicon), "ｆｕｃｋ:profanity");
  EXPECT_EQ(found_in("야 병.신", lexicon), "병.신:harassment");
}

TEST(Lexicon, ChanceIsNoHit) {
  const Lexicon lexicon = Lexicon::standard();
  for (const char* text :
       {"시발점은 서울역이다", "다시발견한 보물", "출시/발표", "병신년 새해", "역시 발라드",
        "scunthorpe", "assess the class", "평신도 모임", "18일에 만나요"})
    EXPECT_EQ(found_in(text, lexicon), "") << text;
}

TEST(Lexicon, AnExceptionVoidsOnlyWhatItCovers) {
  const Lexicon lexicon("[profanity 0.9]\nabc, abcd\n", "xabc\n");
  EXPECT_EQ(found_in("xabc", lexicon), "");
  EXPECT_EQ(found_in("xabcd", lexicon), "abcd:profanity");
  EXPECT_EQ(found_in("abc xabc", lexicon), "abc:profanity");
}

TEST(Lexicon, RefusesWhatItCannotRead) {
  for (const char* text : {"root\n", "[profanity]\n", "[profanity 2]\n", "[profanity x]\n",
                           "[nothing 0.5]\n", "[profanity 0.5 odd]\n", "[profanity 0.5\n"})
    EXPECT_THROW(Lexicon(text, ""), Error) << text;
}

TEST(WordEdges, ParticlesAndInterjections) {
  EXPECT_TRUE(begins_word("a 나", 2));
  EXPECT_FALSE(begins_word("가나", 3));
  EXPECT_TRUE(behind_interjection("아나", 3));
  EXPECT_FALSE(behind_interjection("동아나", 6));
  EXPECT_TRUE(ends_word("나는 너", 3));
  EXPECT_FALSE(ends_word("나무 너", 3));
  EXPECT_TRUE(ends_english_word("fucks", 4));
  EXPECT_FALSE(ends_english_word("assess", 3));
}

TEST(Policy, PartsFollowTheWholeAndErrorsNameTheLine) {
  const Policy policy = Policy::parse(
      "[answer]\n\"*\" = { warn = 0.5 }\n\"hate\" = { block = 0.6 }\n\"hate/age\" = \"allow\"\n",
      "p.toml");
  EXPECT_EQ(policy.action(Place::kAnswer, Category::kHateRegion, 0.7F), Action::kBlock);
  EXPECT_EQ(policy.action(Place::kAnswer, Category::kHateAge, 1.0F), Action::kAllow);
  EXPECT_EQ(policy.action(Place::kAnswer, Category::kViolence, 0.7F), Action::kWarn);
  // A place that is not named stays as it is in the standard one.
  EXPECT_EQ(policy.thresholds(Place::kUserInput, Category::kProfanity).warn,
            Policy::standard().thresholds(Place::kUserInput, Category::kProfanity).warn);
  const auto message = [](const std::string& text) {
    try {
      Policy::parse(text, "p.toml");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message("[answr]\n").find("p.toml:1"), std::string::npos);
  EXPECT_NE(message("[answer]\nhat = { warn = 0.5 }\n").find("unknown category 'hat'"),
            std::string::npos);
  EXPECT_NE(message("[answer]\nhate = { warn = 2 }\n").find("p.toml:2"), std::string::npos);
  EXPECT_NE(message("[answer]\nhate = { stop = 0.5 }\n").find("unknown action 'stop'"),
            std::string::npos);
  EXPECT_NE(message("[answer\n").find("TOML"), std::string::npos);
}

TEST(Calibration, PlattFindsTheScaleThatMadeTheData) {
  Rng rng(5);
  std::vector<double> logits;
  std::vector<uint8_t> targets;
  for (int i = 0; i < 20000; ++i) {
    logits.push_back(3 * rng.normal());
    targets.push_back(rng.uniform() < sigmoid(0.5 * logits.back() - 1) ? 1 : 0);
  }
  const PlattScaling fit = fit_platt(logits, targets);
  EXPECT_NEAR(fit.scale, 0.5, 0.03);
  EXPECT_NEAR(fit.offset, -1, 0.06);
  std::vector<double> raw, scaled;
  for (const double z : logits) {
    raw.push_back(sigmoid(z));
    scaled.push_back(fit(z));
  }
  EXPECT_LT(calibration_error(reliability(scaled, targets)), 0.02);
  EXPECT_GT(calibration_error(reliability(raw, targets)), 0.05);
  EXPECT_NE(
      reliability_svg(reliability(raw, targets), reliability(scaled, targets), "t").find("<svg"),
      std::string::npos);
}

TEST(Calibration, BestThresholdByBruteForce) {
  Rng rng(6);
  std::vector<double> p;
  std::vector<uint8_t> t;
  for (int i = 0; i < 300; ++i) {
    p.push_back(std::round(rng.uniform() * 50) / 50);
    t.push_back(rng.uniform() < p.back() ? 1 : 0);
  }
  const auto f1 = [&](double threshold) {
    double found = 0, said = 0, positive = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      found += p[i] >= threshold && t[i] != 0;
      said += p[i] >= threshold;
      positive += t[i] != 0;
    }
    return 2 * found / (said + positive);
  };
  double best = 0;
  for (int k = 0; k <= 100; ++k) best = std::max(best, f1(k / 100.0));
  EXPECT_NEAR(f1(best_f1_threshold(p, t)), best, 1e-12);
}

TEST(Calibration, JsonGoesBothWays) {
  const Calibration read = parse_calibration(
      R"({"labels": {"3": {"category": "profanity", "scale": 1.5, "offset": -0.5}}})", "c.json");
  EXPECT_EQ(read.at("3").category, Category::kProfanity);
  EXPECT_EQ(read.at("3").scaling.scale, 1.5);
  for (const char* bad :
       {"", "{}", R"({"labels": {"3": {}}})", R"({"labels": {"3": {"category": "x"}}})"})
    EXPECT_THROW(parse_calibration(bad, "c.json"), Error) << bad;
  EXPECT_EQ(default_calibration({"0", "1", "2", "3", "4", "5", "6", "7", "8"}).at("4").category,
            Category::kHateAge);
}

TEST(LinearClassifier, LearnsAndSurvivesItsFile) {
  std::vector<LabelledText> texts;
  for (int i = 0; i < 200; ++i) {
    texts.push_back({"나쁜 말 " + std::to_string(i), {1, i % 2 == 0 ? int8_t{1} : int8_t{-1}}});
    texts.push_back({"고운 글 " + std::to_string(i), {0, 0}});
  }
  const std::vector<Category> labels = {Category::kHarassment, Category::kHate};
  LinearTraining how;
  how.bucket_bits = 12;
  const LinearClassifier made = LinearClassifier::train(texts, labels, how);
  EXPECT_GT(made.logits("나쁜 말 한다")[0], made.logits("고운 글 쓴다")[0] + 1);
  EXPECT_GT(made.logits("나쁜 말 한다")[1], made.logits("고운 글 쓴다")[1] + 1);
  const std::string path = testing::TempDir() + "linear_moderation";
  made.save(path);
  const LinearClassifier loaded = LinearClassifier::load(path);
  EXPECT_EQ(loaded.logits("나쁜 글"), made.logits("나쁜 글"));
  EXPECT_THROW(LinearClassifier::parse("ONMALLN1", "x"), Error);
  EXPECT_THROW(LinearClassifier::parse("something else", "x"), Error);
}

Moderator lexicon_moderator(const std::string& policy = "") {
  return Moderator(Lexicon::standard(),
                   policy.empty() ? Policy::standard() : Policy::parse(policy, "test"));
}

TEST(Moderator, ActionsFollowThePolicyAtThePlace) {
  const Moderator moderator = lexicon_moderator();
  const ModerationResult clean = moderator.check("오늘 날씨가 좋네요.", Place::kAnswer);
  EXPECT_FALSE(clean.flagged);
  EXPECT_TRUE(clean.spans.empty());
  const ModerationResult hate = moderator.check("짱깨들 싫다", Place::kAnswer);
  EXPECT_EQ(hate.action, Action::kBlock);
  EXPECT_GE(hate.scores[category_index(Category::kHate)], 0.9F);
  EXPECT_EQ(moderator.check("짱깨들 싫다", Place::kUserInput).action, Action::kBlock);
  EXPECT_EQ(moderator.check("시발 뭐야", Place::kUserInput).action, Action::kWarn);
  EXPECT_EQ(moderator.check("시발 뭐야", Place::kAnswer).action, Action::kRewrite);
  EXPECT_EQ(cover_spans("시발 뭐야", moderator.check("시발 뭐야", Place::kAnswer).spans),
            "○○ 뭐야");
}

TEST(Moderator, LongTextsAreSearchedToTheEndAndAcrossWindows) {
  const Moderator moderator = lexicon_moderator();
  const std::string filler = "오늘 날씨가 좋네요. ";
  std::string text;
  while (text.size() < 20000) text += filler;
  const size_t at = text.size();
  text += "시발 ";
  for (int i = 0; i < 300; ++i) text += filler;
  const ModerationResult result = moderator.check(text, Place::kAnswer);
  ASSERT_EQ(result.spans.size(), 1U);
  EXPECT_EQ(result.spans[0].begin, at);
  // Wherever it stands, without spaces too.
  for (size_t before = 2000; before < 2100; ++before) {
    std::string solid(before / 3 * 3, 'x');
    solid += "! 개새끼 " + std::string(3000, 'y');
    EXPECT_TRUE(moderator.check(solid, Place::kAnswer).flagged) << before;
  }
}

TEST(Moderator, ManyHitsAreEachFoundOnce) {
  const Moderator moderator = lexicon_moderator();
  std::string text;
  std::string covered;
  constexpr size_t kHits = 20000;
  for (size_t i = 0; i < kHits; ++i) {
    text += "시발 ";
    covered += "○○ ";
  }
  const ModerationResult result = moderator.check(text, Place::kAnswer);
  EXPECT_EQ(result.spans.size(), kHits);
  EXPECT_EQ(cover_spans(text, result.spans), covered);
}

TEST(Moderator, AnyBytesAreJudged) {
  const Moderator moderator = lexicon_moderator();
  Rng rng(9);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (size_t n = rng.below(3000); n > 0; --n) text += static_cast<char>(rng.below(256));
    const ModerationResult result = moderator.check(text, Place::kAnswer);
    for (const ModerationSpan& span : result.spans) {
      EXPECT_LT(span.begin, span.end);
      EXPECT_LE(span.end, text.size());
    }
  }
}

TEST(ModerationStream, StopsBeforeTheWordIsShown) {
  const Moderator moderator = lexicon_moderator();
  const std::string clean(
      "오늘은 날씨가 좋아서 산책을 다녀왔습니다. 공원에는 꽃이 많이 피었고 사람들도 많았어요. "
      "저녁에는 국을 끓였다.");
  const std::string text = clean + " 그런데 저 짱깨새끼들 정말 싫다. " + clean + clean + clean;
  ModerationStream stream(moderator, Place::kAnswer);
  std::string shown;
  size_t fed = 0;
  for (const char c : text) {
    shown += stream.feed(std::string(1, c));
    ++fed;
    if (stream.stopped()) break;
  }
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(shown.find("짱깨"), std::string::npos);
  EXPECT_EQ(text.compare(0, shown.size(), shown), 0);
  // At most check_every characters behind the word's end.
  const size_t end = text.find("짱깨") + std::string("짱깨").size();
  EXPECT_LE(fed, end + 24 * 3 + 3);
  EXPECT_EQ(stream.feed("more"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(ModerationStream, CleanTextComesOutWholeAndRewrittenTextCovered) {
  const Moderator moderator = lexicon_moderator();
  for (const size_t piece : {1U, 7U, 100U}) {
    const std::string text =
        "오늘은 날씨가 좋아서 산책을 다녀왔습니다. 공원에는 꽃이 많이 피었고 사람들도 많았어요.";
    ModerationStream clean(moderator, Place::kAnswer);
    std::string shown;
    for (size_t at = 0; at < text.size(); at += piece) shown += clean.feed(text.substr(at, piece));
    shown += clean.finish();
    EXPECT_EQ(shown, text);
    const std::string rude = text + " 시발 " + text;
    ModerationStream covered(moderator, Place::kAnswer);
    shown.clear();
    for (size_t at = 0; at < rude.size(); at += piece)
      shown += covered.feed(rude.substr(at, piece));
    shown += covered.finish();
    EXPECT_EQ(shown, text + " ○○ " + text);
  }
}

// Where what is shown first differs from the text, written a byte at a time.
size_t shown_until(const Moderator& moderator, const std::string& text, size_t hold) {
  ModerationStream stream(moderator, Place::kAnswer, {.hold_bytes = hold});
  std::string shown;
  for (const char c : text) shown += stream.feed(std::string(1, c));
  shown += stream.finish();
  size_t same = 0;
  while (same < std::min(shown.size(), text.size()) && shown[same] == text[same]) ++same;
  return same;
}

// Roots that a policy stops, the longest among them, at all places beside a check, as written and
// as jamo: none is seen in part. Without bytes kept back many would be.
TEST(ModerationStream, ShowsNoPartOfARoot) {
  const Moderator moderator = lexicon_moderator();
  std::set<std::string> roots;
  std::istringstream lines{std::string(embedded_lexicon())};
  size_t number = 0;
  for (std::string line, root; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line[0] == '[') continue;
    for (std::istringstream parts(line); std::getline(parts, root, ',');) {
      root = root.substr(root.find_first_not_of(' '));
      if (number++ % 4 == 0 || root.size() >= 24) roots.insert(root);
    }
  }
  int seen_without = 0, tried = 0, turn = 0;
  for (const std::string& root : roots) {
    for (const std::string& word : {root, normalize_unicode(root, NormalForm::kNfd)}) {
      std::string text = ++turn % 2 == 0 ? "" : "네";
      for (int i = 0; i < 30 + turn % 12; ++i) text += "네 ";
      text += word + " 하고";
      for (int i = 0; i < 40; ++i) text += " 네";
      const ModerationResult whole = moderator.check(text, Place::kAnswer);
      if (whole.action < Action::kRewrite || whole.spans.empty()) continue;
      const size_t begin = whole.spans[0].begin;
      ++tried;
      EXPECT_LE(shown_until(moderator, text, 96), begin) << word;
      seen_without += shown_until(moderator, text, 0) > begin ? 1 : 0;
    }
  }
  EXPECT_GT(tried, 150);
  EXPECT_GT(seen_without, tried / 8);
  std::printf("%d of %d are seen in part without bytes kept back\n", seen_without, tried);
}

TEST(ModerationStream, LeavesFormsAloneButStopsThem) {
  const Moderator moderator = lexicon_moderator();
  const auto shown_of = [](ModerationStream& stream, const std::string& text) {
    std::string shown = stream.feed(text);
    shown += stream.finish();
    return shown;
  };
  ModerationStream form(moderator, Place::kAnswer, {.cover = false});
  const std::string rude = R"({"text":"시발 뭐야"})";
  EXPECT_EQ(shown_of(form, rude), rude);
  EXPECT_EQ(form.result().action, Action::kRewrite);
  ModerationStream hateful(moderator, Place::kAnswer, {.cover = false});
  EXPECT_EQ(shown_of(hateful, R"({"text":"저 짱깨새끼들"})"), "");
  EXPECT_TRUE(hateful.stopped());
}

TEST(DecisionLog, HasTheTextOnlyWhenAsked) {
  const Moderator moderator = lexicon_moderator();
  const std::string text = "시발 뭐야";
  const ModerationResult result = moderator.check(text, Place::kAnswer);
  const std::string line = decision_line(text, result, Place::kAnswer, 1700000000000);
  EXPECT_EQ(line.find("시발"), std::string::npos);
  EXPECT_NE(line.find("\"time_ms\":1700000000000"), std::string::npos);
  EXPECT_NE(line.find("\"action\":\"rewrite\""), std::string::npos);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_NE(decision_line(text, result, Place::kAnswer, 0, {true, ""}).find("시발"),
            std::string::npos);
  EXPECT_NE(decision_line(text, result, Place::kAnswer, 0, {false, "salt"}),
            decision_line(text, result, Place::kAnswer, 0));
}

}  // namespace
}  // namespace onmal
