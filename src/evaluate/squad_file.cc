#include "evaluate/squad_file.h"

#include <array>

#include "base/error.h"
#include "corpus/decompress.h"
#include "formats/json_parser.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// The depths at which the containers of the format are open.
constexpr int kArticle = 3;
constexpr int kParagraph = 5;
constexpr int kQuestion = 7;
constexpr int kAnswer = 9;
constexpr int kDepths = 10;

// The byte of character `index`; npos when the text is shorter.
size_t byte_of_character(std::string_view text, int64_t index) {
  if (index < 0) return std::string_view::npos;
  for (size_t at = 0; at <= text.size(); at += read_utf8(text, at).length) {
    if (index-- == 0) return at;
    if (at == text.size()) break;
  }
  return std::string_view::npos;
}

class SquadHandler : public JsonHandler {
 public:
  explicit SquadHandler(const SquadLimits& limits) : limits_(limits) {}
  SquadData take() { return std::move(data_); }

 private:
  void on_null() override {}
  void on_bool(bool value) override {
    if (at(kQuestion, "is_impossible")) impossible_ = value;
  }
  void on_int(int64_t value) override {
    if (in_answer() && at(kAnswer, "answer_start")) answer_.begin_character = value;
  }
  void on_unsigned(uint64_t) override { fail("has a number beyond all texts"); }
  void on_float(double) override {}
  void on_string(std::string&& value) override {
    if (at(kArticle, "title"))
      title_ = std::move(value);
    else if (at(kParagraph, "context"))
      context_ = std::move(value);
    else if (at(kQuestion, "id"))
      question_.id = std::move(value);
    else if (at(kQuestion, "question"))
      question_.question = std::move(value);
    else if (in_answer() && at(kAnswer, "text"))
      answer_.text = std::move(value);
  }
  void on_key(std::string&& key) override {
    if (depth() < kDepths) keys_[static_cast<size_t>(depth())] = std::move(key);
  }

  void on_begin(bool) override {
    if (depth() < kDepths) keys_[static_cast<size_t>(depth())].clear();
    if (depth() == kArticle) title_.clear();
    if (depth() == kParagraph) context_.clear();
    if (depth() == kQuestion) {
      question_ = {};
      impossible_ = false;
    }
    if (depth() == kAnswer) answer_ = {};
  }

  void on_end(bool array) override {
    if (array) return;
    if (depth() == kAnswer && in_answer()) end_answer();
    if (depth() == kQuestion && in_questions()) end_question();
    if (depth() == kParagraph && in_paragraphs()) end_paragraph();
  }

  // Whether the key read last in the container open at `level` is this one, and it is the
  // innermost.
  bool at(int level, std::string_view key) const {
    return depth() == level && keys_[static_cast<size_t>(level)] == key;
  }
  bool in_paragraphs() const { return keys_[1] == "data" && keys_[3] == "paragraphs"; }
  bool in_questions() const { return in_paragraphs() && keys_[5] == "qas"; }
  bool in_answer() const { return in_questions() && keys_[7] == "answers"; }

  void end_answer() {
    if (question_.answers.size() >= limits_.answers) fail("has a question with too many answers");
    question_.answers.push_back(std::move(answer_));
  }

  void end_question() {
    if (question_.question.empty()) fail("has a question without text");
    if (data_.questions.size() >= limits_.questions) {
      throw Error(ErrorCode::kResource, "questions",
                  "the file has more than " + std::to_string(limits_.questions));
    }
    if (impossible_) question_.answers.clear();
    question_.paragraph = data_.paragraphs.size();
    data_.questions.push_back(std::move(question_));
  }

  // The context may come behind its questions.
  void end_paragraph() {
    if (context_.empty()) fail("has a paragraph without context");
    for (; checked_ < data_.questions.size(); ++checked_) {
      for (const SquadAnswer& answer : data_.questions[checked_].answers) {
        const size_t begin = byte_of_character(context_, answer.begin_character);
        if (begin == std::string::npos || context_.compare(begin, answer.text.size(), answer.text))
          fail("has an answer ('" + answer.text + "') that is not at its place");
      }
    }
    data_.paragraphs.push_back({title_, std::move(context_)});
  }

  SquadLimits limits_;
  std::array<std::string, kDepths> keys_;  // read last, by depth
  SquadData data_;
  size_t checked_ = 0;
  std::string title_;
  std::string context_;
  SquadQuestion question_;
  SquadAnswer answer_;
  bool impossible_ = false;
};

}  // namespace

SquadData parse_squad(std::string_view json, const std::string& where, const SquadLimits& limits) {
  SquadHandler handler(limits);
  JsonLimits parsing;
  parsing.bytes = limits.bytes;
  handler.parse(json, where, parsing);
  SquadData data = handler.take();
  if (data.questions.empty()) {
    throw Error(
        ErrorCode::kBadFile, where, "has no questions",
        "give a file like SQuAD's: {\"data\": [{\"paragraphs\": [{\"context\", \"qas\"}]}]}");
  }
  return data;
}

SquadData read_squad(const std::filesystem::path& path, const SquadLimits& limits) {
  return parse_squad(read_unpacked(path, limits.bytes), path.string(), limits);
}

}  // namespace onmal
