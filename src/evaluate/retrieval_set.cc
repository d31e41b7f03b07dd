#include "evaluate/retrieval_set.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "evaluate/squad_file.h"
#include "evaluate/table_file.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The file of that name, or packed.
fs::path present_file(const fs::path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz"}) {
    if (fs::exists(folder / (name + ending))) return folder / (name + ending);
  }
  throw Error(ErrorCode::kIo, (folder / name).string(), "is not there",
              "a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv");
}

std::string field_of(const json& row, const char* name, const std::string& where, bool needed) {
  const auto found = row.find(name);
  if (found == row.end() && !needed) return {};
  if (found == row.end() || !found->is_string())
    throw Error(ErrorCode::kBadFile, where, std::string("has no text in \"") + name + "\"");
  return found->get<std::string>();
}

template <typename Take>
void read_json_rows(const fs::path& path, const Take& take) {
  const std::vector<std::string> lines = read_lines(path);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const std::string where = path.string() + ", line " + std::to_string(i + 1);
    const json row = json::parse(lines[i], nullptr, false);
    if (!row.is_object()) throw Error(ErrorCode::kBadFile, where, "is no JSON object");
    take(row, where);
  }
}

RetrievalSet read_beir(const fs::path& folder) {
  RetrievalSet set;
  std::unordered_map<std::string, size_t> places;
  read_json_rows(present_file(folder, "corpus.jsonl"), [&](const json& row,
                                                           const std::string& where) {
    set.passages.push_back({field_of(row, "_id", where, true), field_of(row, "title", where, false),
                            field_of(row, "text", where, true)});
    if (!places.emplace(set.passages.back().id, places.size()).second)
      throw Error(ErrorCode::kBadFile, where, "has the \"_id\" of another line");
  });
  std::unordered_map<std::string, size_t> queries;
  read_json_rows(present_file(folder, "queries.jsonl"),
                 [&](const json& row, const std::string& where) {
                   set.queries.push_back(
                       {field_of(row, "_id", where, true), field_of(row, "text", where, true), {}});
                   queries[set.queries.back().id] = set.queries.size() - 1;
                 });
  const TableFile judgements(present_file(folder, "qrels/test.tsv"));
  const size_t query = judgements.column("query-id");
  const size_t passage = judgements.column("corpus-id");
  const size_t score = judgements.column("score");
  for (size_t row = 0; row < judgements.rows(); ++row) {
    const auto place = queries.find(judgements.at(row, query));
    const std::string& id = judgements.at(row, passage);
    if (place == queries.end() || !places.contains(id)) continue;  // BEIR's own subsets have such
    char* end = nullptr;
    const double gain = std::strtod(judgements.at(row, score).c_str(), &end);
    if (*end != '\0' || !std::isfinite(gain))
      throw Error(ErrorCode::kBadFile, judgements.where(row), "has no number as its score");
    if (gain > 0) set.queries[place->second].relevant[id] = gain;
  }
  std::erase_if(set.queries, [](const RetrievalQuery& one) { return one.relevant.empty(); });
  return set;
}

// Passages without an id of their own: equal texts are one.
class DistinctPassages {
 public:
  explicit DistinctPassages(RetrievalSet& set) : set_(set) {}
  std::string add(const std::string& title, const std::string& text) {
    const auto [place, fresh] = ids_.emplace(text, std::to_string(ids_.size() + 1));
    if (fresh) set_.passages.push_back({place->second, title, text});
    return place->second;
  }

 private:
  RetrievalSet& set_;
  std::map<std::string, std::string> ids_;
};

RetrievalSet read_boolq(const fs::path& path) {
  const TableFile table(path);
  const size_t text = table.column("Text");
  const size_t question = table.column("Question");
  RetrievalSet set;
  DistinctPassages passages(set);
  for (size_t row = 0; row < table.rows(); ++row) {
    const std::string id = passages.add("", table.at(row, text));
    set.queries.push_back({std::to_string(row + 1), table.at(row, question), {{id, 1.0}}});
  }
  return set;
}

RetrievalSet read_paragraphs(const fs::path& path) {
  const SquadData data = read_squad(path);
  RetrievalSet set;
  DistinctPassages passages(set);
  std::vector<std::string> ids;
  for (const SquadParagraph& paragraph : data.paragraphs)
    ids.push_back(passages.add(paragraph.title, paragraph.text));
  for (const SquadQuestion& question : data.questions)
    set.queries.push_back({question.id, question.question, {{ids[question.paragraph], 1.0}}});
  return set;
}

double discount(size_t rank) { return 1 / std::log2(static_cast<double>(rank) + 2); }

}  // namespace

RetrievalSet read_retrieval_set(const fs::path& path) {
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  RetrievalSet set = fs::is_directory(path)    ? read_beir(path)
                     : name.ends_with(".json") ? read_paragraphs(path)
                                               : read_boolq(path);
  if (set.queries.empty())
    throw Error(ErrorCode::kBadFile, path.string(), "has no question with a relevant passage");
  return set;
}

double ndcg(const std::vector<std::string>& ranking,
            const std::unordered_map<std::string, double>& relevant, size_t k) {
  double sum = 0;
  for (size_t i = 0; i < std::min(k, ranking.size()); ++i) {
    const auto found = relevant.find(ranking[i]);
    if (found != relevant.end()) sum += found->second * discount(i);
  }
  std::vector<double> gains;
  for (const auto& [id, gain] : relevant) gains.push_back(gain);
  std::sort(gains.rbegin(), gains.rend());
  double best = 0;
  for (size_t i = 0; i < std::min(k, gains.size()); ++i) best += gains[i] * discount(i);
  return best > 0 ? sum / best : 0;
}

double reciprocal_rank(const std::vector<std::string>& ranking,
                       const std::unordered_map<std::string, double>& relevant, size_t k) {
  for (size_t i = 0; i < std::min(k, ranking.size()); ++i) {
    if (relevant.contains(ranking[i])) return 1 / static_cast<double>(i + 1);
  }
  return 0;
}

double recall(const std::vector<std::string>& ranking,
              const std::unordered_map<std::string, double>& relevant, size_t k) {
  if (relevant.empty()) return 0;
  size_t found = 0;
  for (size_t i = 0; i < std::min(k, ranking.size()); ++i)
    found += relevant.contains(ranking[i]) ? 1 : 0;
  return static_cast<double>(found) / static_cast<double>(relevant.size());
}

}  // namespace onmal
