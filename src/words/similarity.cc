#include "words/similarity.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "kernels/select.h"
#include "words/word_splitter.h"

namespace onmal {
namespace {

constexpr int64_t kBlock = 4096;  // words of one task

void scale_to_unit(float* vector, int64_t dim) {
  double squares = 0;
  for (int64_t i = 0; i < dim; ++i)
    squares += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
  const auto factor = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
  for (int64_t i = 0; i < dim; ++i) vector[i] *= factor;
}

// Scores of all words from the cosines with a, b and c, one after the other in `cosines`.
void combine(std::span<const float> cosines, AnalogyMethod method, std::span<float> scores) {
  const size_t words = scores.size();
  const float* a = cosines.data();
  const float* b = a + words;
  const float* c = b + words;
  for (size_t i = 0; i < words; ++i) {
    scores[i] = method == AnalogyMethod::k3CosAdd
                    ? b[i] - a[i] + c[i]
                    : (1 + b[i]) * (1 + c[i]) / 4 / ((1 + a[i]) / 2 + 0.001F);
  }
}

}  // namespace

WordSimilarity::WordSimilarity(const WordVectors& vectors, ThreadPool& pool)
    : vectors_(vectors), pool_(pool), units_(vectors.values()) {
  pool.for_blocks(0, vectors.size(), kBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      scale_to_unit(units_.data() + i * vectors.dim(), vectors.dim());
  });
}

void WordSimilarity::cosines(std::span<const float> queries, std::vector<float>& out) const {
  const int64_t dim = vectors_.dim();
  const int64_t rows = static_cast<int64_t>(queries.size()) / dim;
  const int64_t words = vectors_.size();
  ONMAL_ASSERT(rows <= kernels::kMatvecMostRows);
  out.resize(static_cast<size_t>(rows * words));
  const kernels::MatvecKernels& matvec = *kernels::table(detect_isa()).matvec;
  pool_.for_blocks(0, words, kBlock, [&](int64_t begin, int64_t end) {
    matvec.multiply(DType::kF32, units_.data() + begin * dim, end - begin, dim, queries.data(),
                    rows, out.data() + begin, words);
  });
}

std::vector<Neighbour> WordSimilarity::best(std::span<const float> scores, size_t count,
                                            std::span<const int32_t> without) const {
  std::vector<Neighbour> heap;  // the worst of the best in front
  const auto better = [](const Neighbour& x, const Neighbour& y) {
    return x.score != y.score ? x.score > y.score : x.word < y.word;
  };
  for (size_t i = 0; i < scores.size(); ++i) {
    const Neighbour candidate = {static_cast<int32_t>(i), static_cast<double>(scores[i])};
    if (heap.size() == count && (count == 0 || !better(candidate, heap.front()))) continue;
    if (std::find(without.begin(), without.end(), candidate.word) != without.end()) continue;
    if (heap.size() == count) {
      std::pop_heap(heap.begin(), heap.end(), better);
      heap.pop_back();
    }
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end(), better);
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  return heap;
}

std::vector<Neighbour> WordSimilarity::nearest(std::span<const float> vector, size_t count,
                                               std::span<const int32_t> without) const {
  if (static_cast<int64_t>(vector.size()) != vectors_.dim())
    throw Error(ErrorCode::kInvalidArgument, "nearest words", "a vector of another size");
  std::vector<float> unit(vector.begin(), vector.end());
  scale_to_unit(unit.data(), vectors_.dim());
  std::vector<float> scores;
  cosines(unit, scores);
  return best(scores, count, without);
}

std::vector<Neighbour> WordSimilarity::analogy(std::string_view a, std::string_view b,
                                               std::string_view c, size_t count,
                                               AnalogyMethod method) const {
  std::vector<float> queries;
  std::vector<int32_t> without;
  for (const std::string_view word : {a, b, c}) {
    std::vector<float> vector = vectors_.vector(word);
    scale_to_unit(vector.data(), vectors_.dim());
    queries.insert(queries.end(), vector.begin(), vector.end());
    if (const std::optional<int32_t> number = vectors_.find(word)) without.push_back(*number);
  }
  std::vector<float> all;
  cosines(queries, all);
  std::vector<float> scores(static_cast<size_t>(vectors_.size()));
  combine(all, method, scores);
  return best(scores, count, without);
}

namespace {

struct Question {
  std::string words[4];
};

// Empty lines are nullopt.
std::optional<Question> parse_question(std::string_view line, const std::string& where) {
  Question question;
  size_t count = 0;
  split_words(line, {WordSplit::kWhiteSpace, false}, [&](std::string_view word) {
    if (word.empty()) return;
    if (count < 4) question.words[count] = word;
    ++count;
  });
  if (count == 0) return std::nullopt;
  if (count != 4)
    throw Error(ErrorCode::kBadFile, where, "holds " + std::to_string(count) + " words",
                "an analogy is four words: a b c d");
  return question;
}

}  // namespace

std::vector<AnalogySection> answer_analogies(const WordSimilarity& similarity,
                                             std::string_view questions, const std::string& name,
                                             FunctionRef<void(size_t bytes_done)> progress,
                                             const std::stop_token& stop) {
  std::vector<AnalogySection> sections;
  size_t line_number = 0;
  for (size_t begin = 0; begin < questions.size();) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, name, "stopped");
    const size_t end = std::min(questions.find('\n', begin), questions.size());
    const std::string_view line = questions.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    progress(std::min(begin, questions.size()));
    if (line.starts_with(':')) {
      const size_t first = std::min(line.find_first_not_of(": "), line.size());
      sections.push_back({.name = std::string(line.substr(first))});
      if (sections.back().name.ends_with('\r')) sections.back().name.pop_back();
      continue;
    }
    const std::string where = name + ", line " + std::to_string(line_number);
    const std::optional<Question> question = parse_question(line, where);
    if (!question) continue;
    if (sections.empty()) sections.push_back({.name = "all"});
    AnalogySection& section = sections.back();
    ++section.questions;
    const auto& [a, b, c, d] = question->words;
    const WordVectors& vectors = similarity.vectors();
    const std::optional<int32_t> wanted = vectors.find(d);
    if (!wanted || !vectors.find(a) || !vectors.find(b) || !vectors.find(c)) continue;
    ++section.covered;
    for (const AnalogyMethod method : {AnalogyMethod::k3CosAdd, AnalogyMethod::k3CosMul}) {
      const std::vector<Neighbour> answers = similarity.analogy(a, b, c, 1, method);
      const bool right = !answers.empty() && answers[0].word == *wanted;
      int64_t& hits = method == AnalogyMethod::k3CosAdd ? section.right_add : section.right_mul;
      hits += right ? 1 : 0;
    }
  }
  return sections;
}

}  // namespace onmal
