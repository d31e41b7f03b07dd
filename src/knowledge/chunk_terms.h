#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/analyzer.h"
#include "knowledge/lexical/segment.h"

namespace onmal {

// The terms by which a chunk, or a query, is found, each once with its count. One per thread.
class ChunkTerms {
 public:
  // Of the text, what stands above it and the document's title.
  std::vector<TermCount> of(std::string_view title, std::span<const std::string> headings,
                            std::string_view text);
  std::vector<TermCount> of_query(std::string_view query);

 private:
  Analyzer analyzer_;
};

}  // namespace onmal
