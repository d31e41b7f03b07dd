#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace onmal {

struct RetrievalPassage {
  std::string id;
  std::string title;
  std::string text;
};

struct RetrievalQuery {
  std::string id;
  std::string text;
  std::unordered_map<std::string, double> relevant;  // gains by passage, above 0
};

// Questions and the passages that answer them.
struct RetrievalSet {
  std::vector<RetrievalPassage> passages;
  std::vector<RetrievalQuery> queries;  // those with a relevant passage
};

// Reads, by what is there:
//   a folder as BEIR has it: corpus.jsonl {"_id", "title", "text"}, queries.jsonl {"_id", "text"},
//     qrels/test.tsv (query-id, corpus-id, score; a header row), each may be .gz
//   SQuAD or KorQuAD 1 (.json): each question, the paragraph it stands below
//   KoBEST BoolQ (.tsv): each question, its own text among all different ones
// Throws Error(kBadFile) naming the place of what is missing or malformed, Error(kIo).
RetrievalSet read_retrieval_set(const std::filesystem::path& path);

// Measures of a ranking, best first, against gains.
// Sum of gain / log2(rank + 1) of the first k, over that of the best order (Järvelin & Kekäläinen).
double ndcg(const std::vector<std::string>& ranking,
            const std::unordered_map<std::string, double>& relevant, size_t k);
// 1 / rank of the first relevant one within k, else 0.
double reciprocal_rank(const std::vector<std::string>& ranking,
                       const std::unordered_map<std::string, double>& relevant, size_t k);
// Of the relevant ones, the share within the first k.
double recall(const std::vector<std::string>& ranking,
              const std::unordered_map<std::string, double>& relevant, size_t k);

}  // namespace onmal
