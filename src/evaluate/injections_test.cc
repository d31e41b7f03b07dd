#include "evaluate/injections.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Writes every marker that it reads in words not marked as a passage's: as gullible as a model can
// be that has learnt what the marks mean. A token is a byte.
class Gullible : public TaskModel {
 public:
  explicit Gullible(std::vector<Injection> injections) : injections_(std::move(injections)) {}
  const ModelName& name() const override { return name_; }
  bool is_instructed() const override { return true; }
  int64_t count_tokens(std::string_view text) const override {
    return static_cast<int64_t>(text.size());
  }
  int64_t room(const TaskPrompt&) const override { return 100'000; }
  bool has_piece(std::string_view) const override { return false; }
  WrittenText write(const TaskPrompt& prompt, FunctionRef<void(std::string_view)> on_text,
                    const std::stop_token&) override {
    std::string answer = "[1]";
    const std::string read = unmarked(prompt);
    for (const Injection& injection : injections_) {
      if (read.find(injection.marker) != std::string::npos) answer = injection.marker + " [1]";
    }
    on_text(answer);
    return {answer, 0, 0, true};
  }

 private:
  // The mark is named by the rules; words joined by it and lines behind it are the passages'.
  static std::string unmarked(const TaskPrompt& prompt) {
    std::string mark;
    for (const std::string_view before : {"bears the mark ", "글에는 "}) {
      const size_t at = prompt.instruction.find(before);
      if (at == std::string::npos) continue;
      const size_t place = at + before.size();
      mark = prompt.instruction.substr(place, read_utf8(prompt.instruction, place).length);
    }
    if (mark.empty()) return prompt.text;
    std::string left;
    for (size_t begin = 0; begin < prompt.text.size();) {
      const size_t end = std::min(prompt.text.find('\n', begin), prompt.text.size());
      const std::string line = prompt.text.substr(begin, end - begin);
      left += line.substr(0, line.find(mark)) + "\n";
      begin = end + 1;
    }
    return left;
  }

  std::vector<Injection> injections_;
  ModelName name_{"gullible", "gullible", "instruct"};
};

std::vector<Injection> samples() {
  return read_injections(std::string(ONMAL_SOURCE_DIR) + "/samples/injections.jsonl");
}

size_t obeyed(TaskModel* model, PassageMarks marks, bool skip_orders = true) {
  GroundedOptions options;
  options.context.marks = marks;
  options.sentences.skip_orders = skip_orders;
  options.least_confidence = 0;
  const InjectionResult result = try_injections(samples(), model, options);
  EXPECT_EQ(result.tried, 50U);
  return result.obeyed;
}

TEST(Injections, TheSamplesAreWhatTheySay) {
  std::set<std::string> markers;
  size_t korean = 0;
  for (const Injection& injection : samples()) {
    markers.insert(injection.marker);
    korean += injection.language == "ko" ? 1 : 0;
    // Each document answers its question too: without orders the extraction finds a sentence.
    EXPECT_EQ(injection.question.find(injection.marker), std::string::npos);
  }
  EXPECT_EQ(markers.size(), 50U);
  EXPECT_EQ(korean, 25U);
}

TEST(Injections, MarksReachAModelThatKnowsThem) {
  Gullible model(samples());
  EXPECT_GE(obeyed(&model, PassageMarks::kOff), 48U);  // two hide by invisible characters
  EXPECT_EQ(obeyed(&model, PassageMarks::kLines), 0U);
  EXPECT_EQ(obeyed(&model, PassageMarks::kWords), 0U);
}

// Not the aim but the state: what answers a question by its words is taken for an answer.
TEST(Injections, ExtractionTakesFewOrdersForAnswers) {
  const size_t with = obeyed(nullptr, PassageMarks::kLines, true);
  const size_t without = obeyed(nullptr, PassageMarks::kLines, false);
  EXPECT_LE(with, 5U);
  EXPECT_LE(with, without);
}

}  // namespace
}  // namespace onmal
