#pragma once

#include <string_view>
#include <vector>

#include "knowledge/analyzer.h"
#include "knowledge/lexical/segment.h"

namespace onmal {

// The distinct terms of a chunk, for an index. Its title (the document's, and the headings it
// stands under) counts as if it were written three times.
std::vector<TermCount> chunk_terms(const Analyzer& analyzer, std::string_view title,
                                   std::string_view text);

// The distinct terms of a query, without function words (of, 에 대한, 있나요) as long as others are
// left: they stand in every index, but say nothing about what is asked for.
std::vector<TermCount> query_terms(const Analyzer& analyzer, std::string_view query);

}  // namespace onmal
