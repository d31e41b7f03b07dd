#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "words/word_vectors.h"

namespace onmal {

struct Neighbour {
  int32_t word;
  double score;
};

enum class AnalogyMethod : uint8_t {
  k3CosAdd,  // cos(d, b) - cos(d, a) + cos(d, c) (Mikolov et al., 2013)
  k3CosMul,  // cos(d, b) cos(d, c) / (cos(d, a) + 0.001), cosines moved to 0…1 (Levy & Goldberg
             // 2014)
};

// The vectors of a model at length 1, to be compared by cosine. Keeps a reference to the model.
class WordSimilarity {
 public:
  WordSimilarity(const WordVectors& vectors, ThreadPool& pool);

  const WordVectors& vectors() const { return vectors_; }
  // The words most like the vector, best first, without those named.
  std::vector<Neighbour> nearest(std::span<const float> vector, size_t count,
                                 std::span<const int32_t> without) const;
  // d of "a is to b as c is to d", best first, never a, b or c. Unknown words are composed of
  // their parts; throws Error(kInvalidArgument) where that is impossible.
  std::vector<Neighbour> analogy(std::string_view a, std::string_view b, std::string_view c,
                                 size_t count, AnalogyMethod method) const;

 private:
  // out[k * words + i] = cosine of the k-th of `queries` (rows of dim, length 1) and word i.
  void cosines(std::span<const float> queries, std::vector<float>& out) const;
  std::vector<Neighbour> best(std::span<const float> scores, size_t count,
                              std::span<const int32_t> without) const;

  const WordVectors& vectors_;
  ThreadPool& pool_;
  std::vector<float> units_;  // [words, dim]
};

struct AnalogySection {
  std::string name;
  int64_t questions = 0;
  int64_t covered = 0;  // all four words are words of the model
  int64_t right_add = 0;
  int64_t right_mul = 0;
};

// Questions as in word2vec's questions-words.txt: lines of four words, sections named by lines
// that begin with a colon. Questions with unknown words are counted and left out. Throws
// Error(kBadFile) naming the line, Error(kCancelled).
std::vector<AnalogySection> answer_analogies(const WordSimilarity& similarity,
                                             std::string_view questions, const std::string& name,
                                             FunctionRef<void(size_t bytes_done)> progress,
                                             const std::stop_token& stop = {});

}  // namespace onmal
