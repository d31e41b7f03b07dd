#include "knowledge/chunk_terms.h"

#include <unordered_map>
#include <utility>

namespace onmal {

std::vector<TermCount> ChunkTerms::of(std::string_view title, std::span<const std::string> headings,
                                      std::string_view text) {
  std::unordered_map<std::string, uint32_t> counts;
  const auto count = [&](std::string_view part) {
    analyzer_.analyze(part, [&](const Term& term) { ++counts[term.text]; });
  };
  // A document's title is often its first heading.
  if (headings.empty() || headings.front() != title) count(title);
  for (const std::string& heading : headings) count(heading);
  count(text);
  std::vector<TermCount> terms;
  terms.reserve(counts.size());
  for (const auto& [term, number] : counts) terms.push_back({term, number});
  return terms;
}

std::vector<TermCount> ChunkTerms::of_query(std::string_view query) { return of({}, {}, query); }

}  // namespace onmal
