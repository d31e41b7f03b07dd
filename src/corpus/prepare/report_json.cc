#include <cmath>
#include <nlohmann/json.hpp>

#include "corpus/prepare/report.h"

namespace onmal {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Stages as objects; single counts by their names. Rules without a hit are left out.
OrderedJson counts_json(SourceCounts counts) {
  OrderedJson json = OrderedJson::object();
  counts.for_each([&](std::string_view stage, std::string_view name, Count& count) {
    if (!stage.empty() && count == Count{}) return;
    const OrderedJson one = name == "faults"
                                ? OrderedJson(count.items)
                                : OrderedJson{{"items", count.items}, {"bytes", count.bytes}};
    (stage.empty() ? json : json[std::string(stage)])[std::string(name)] = one;
  });
  json["train_tokens"] = counts.train_tokens;
  json["heldout_tokens"] = counts.heldout_tokens;
  return json;
}

OrderedJson options_json(const PrepareOptions& options) {
  OrderedJson languages = OrderedJson::array();
  for (const Language language : options.languages) languages.push_back(language_name(language));
  OrderedJson evaluation = OrderedJson::array();
  for (const auto& path : options.evaluation) evaluation.push_back(path.filename().string());
  return {{"languages", languages},
          {"evaluation", evaluation},
          {"heldout_permille", options.heldout_permille},
          {"near_threshold", options.near_threshold},
          {"most_paragraph_documents", options.most_paragraph_documents},
          {"most_document_bytes", options.most_document_bytes}};
}

}  // namespace

std::string write_report_json(const PrepareOptions& options, const PrepareReport& report) {
  OrderedJson sources = OrderedJson::array();
  for (size_t i = 0; i < options.sources.size(); ++i) {
    const PrepareSource& source = options.sources[i];
    OrderedJson one = {
        {"path", source.name}, {"files", source.files.size()}, {"weight", source.weight}};
    const auto found = report.counts.sources.find(static_cast<uint32_t>(i));
    one["counts"] =
        counts_json(found == report.counts.sources.end() ? SourceCounts() : found->second);
    sources.push_back(std::move(one));
  }
  OrderedJson samples = OrderedJson::object();
  for (const auto& [rule, list] : report.counts.samples.by_rule()) {
    for (const Sample& sample : list)
      samples[rule].push_back(
          {{"source", sample.file}, {"record", sample.record}, {"text", sample.text}});
  }
  OrderedJson faults = OrderedJson::array();
  for (const PrepareFault& fault : report.counts.faults)
    faults.push_back({{"source", fault.file}, {"record", fault.record}, {"what", fault.what}});
  OrderedJson sets = OrderedJson::object();
  for (const auto& [set, count] : report.counts.contaminated)
    sets[set] = {{"documents", count.items}, {"bytes", count.bytes}};
  const OrderedJson json = {
      {"options", options_json(options)},
      {"totals", counts_json(report.totals)},
      {"near_duplicates",
       {{"compared_pairs", report.near_compared}, {"clusters", report.near_clusters}}},
      {"repeated_paragraphs", report.repeated_paragraphs},
      {"contaminated_by_set", sets},
      {"sources", sources},
      {"faults", faults},
      {"samples", samples}};
  return json.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace onmal
