#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "answer/claims/check_claims.h"
#include "base/error.h"
#include "evaluate/model_task.h"
#include "evaluate/table_file.h"
#include "knowledge/analyzer.h"

namespace onmal {
namespace {

constexpr size_t kMostRows = 100'000;
constexpr std::array<ClaimVerdict, 3> kVerdicts = {
    ClaimVerdict::kSupported, ClaimVerdict::kContradicted, ClaimVerdict::kNotFound};

struct ClaimRow {
  std::string claim, evidence;
  ClaimVerdict meant = ClaimVerdict::kNotFound;
  ClaimVerdict said = ClaimVerdict::kNotFound;
  std::vector<std::string> groups;  // part, language and kind, where the row names them
};

std::vector<ClaimRow> read_rows(const std::filesystem::path& path, size_t limit) {
  std::vector<ClaimRow> rows;
  const std::vector<std::string> lines = read_lines(path);
  if (lines.size() > kMostRows)
    throw Error(ErrorCode::kResource, path.string(), "has too many lines");
  for (size_t i = 0; i < lines.size() && (limit == 0 || rows.size() < limit); ++i) {
    if (lines[i].empty()) continue;
    const std::string where = path.string() + ", line " + std::to_string(i + 1);
    const nlohmann::json document = nlohmann::json::parse(lines[i], nullptr, false);
    const auto text = [&](const char* name) {
      const bool there =
          document.is_object() && document.contains(name) && document[name].is_string();
      return there ? document[name].get<std::string>() : std::string();
    };
    ClaimRow row;
    row.claim = text("claim");
    row.evidence = text("evidence");
    const std::string verdict = text("verdict");
    bool known = false;
    for (const ClaimVerdict one : kVerdicts) {
      if (claim_verdict_name(one) != verdict) continue;
      row.meant = one;
      known = true;
    }
    if (row.claim.empty() || row.evidence.empty() || !known) {
      throw Error(ErrorCode::kBadFile, where, "lacks claim, evidence or a verdict",
                  "a verdict is supported, contradicted or not_found");
    }
    for (const char* name : {"part", "language", "kind"}) {
      if (!text(name).empty()) row.groups.push_back(text(name));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// Precision and recall of a verdict among rows: sums of hits, said and meant.
Metric share_metric(const std::string& name, const std::vector<const ClaimRow*>& rows,
                    ClaimVerdict verdict, bool precision) {
  std::vector<double> statistics;
  for (const ClaimRow* row : rows) {
    const bool said = row->said == verdict;
    const bool meant = row->meant == verdict;
    statistics.push_back(said && meant ? 1 : 0);
    statistics.push_back((precision ? said : meant) ? 1 : 0);
  }
  return sums_metric(name, 2, std::move(statistics), [](std::span<const double> sums) {
    return sums[1] > 0 ? sums[0] / sums[1] : 0.0;
  });
}

void add_metrics(const std::vector<const ClaimRow*>& rows, const std::string& suffix, bool all,
                 std::vector<Metric>& metrics) {
  std::vector<double> right;
  for (const ClaimRow* row : rows) right.push_back(row->said == row->meant ? 1 : 0);
  metrics.push_back(mean_metric("accuracy" + suffix, std::move(right)));
  if (!all) return;
  for (const ClaimVerdict verdict : kVerdicts) {
    const std::string name = std::string(claim_verdict_name(verdict)) + suffix;
    metrics.push_back(share_metric(name + "_precision", rows, verdict, true));
    metrics.push_back(share_metric(name + "_recall", rows, verdict, false));
  }
}

std::vector<Metric> claims(const ModelTaskInput& input) {
  std::vector<ClaimRow> rows = read_rows(input.data, input.limit);
  const Analyzer analyzer;
  std::unique_ptr<EntailmentModel> model;
  if (!input.model.empty()) model = load_entailment_model(input.model, *input.pool);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<ContextBlock> blocks = blocks_of_text(rows[i].evidence, input.data.string());
    const ClaimReport report =
        check_claims(Evidence(blocks, analyzer), rows[i].claim, model.get(), {}, input.stop);
    // A claim of the set that is not read as one counts as not found.
    if (!report.claims.empty()) rows[i].said = report.claims[0].verdict;
    if (input.progress) input.progress(i + 1, rows.size());
  }
  std::vector<const ClaimRow*> all;
  std::map<std::string, std::vector<const ClaimRow*>> groups;
  for (const ClaimRow& row : rows) {
    all.push_back(&row);
    for (const std::string& group : row.groups) groups[group].push_back(&row);
  }
  std::vector<Metric> metrics;
  add_metrics(all, "", true, metrics);
  const std::set<std::string> wide = {"tuning", "heldout", "ko", "en"};
  for (const auto& [name, members] : groups)
    add_metrics(members, "_" + name, wide.contains(name), metrics);
  // The metrics hold numbers alone: the rows may go.
  return metrics;
}

}  // namespace

ModelTask claims_task() {
  return {"claims",
          "JSON lines {claim, evidence, verdict}, perhaps part, language, kind: what claims are "
          "found to be; without --model by rules",
          claims, false};
}

}  // namespace onmal
