#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onmal {

// A chunk of a stored document, as a search finds it: what an answer may be built on and cite.
struct Passage {
  int64_t chunk = 0;     // its number in the store
  int64_t document = 0;  // its document's
  std::string source;    // path of the document, as it was added
  std::string title;     // of the document; may be ""
  std::string text;      // valid UTF-8, NFC
  uint64_t begin = 0;    // bytes of the document's extracted text
  uint64_t end = 0;
  int64_t begin_character = 0;        // the same in Unicode characters
  int64_t page = 0;                   // where it begins; 0: the format has none
  std::vector<std::string> headings;  // it stands under these, the outermost first
  double score = 0;                   // higher is better; comparable within one search alone
  double first_score = 0;             // the search's, where a reranker gave `score`
};

}  // namespace onmal
