#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "knowledge/lexical/segment.h"

namespace onmal {

// Terms of a segment lie in rows of many: a page holds a run of terms in the order of their bytes
// and is found by its first one. Layout, once for each term:
//   length, term, number of chunks, length, postings; numbers as in lexical/variable_bytes.h

// Packs terms that come in order into pages.
class TermPageWriter {
 public:
  // Calls put(first term, page) whenever one is full.
  explicit TermPageWriter(FunctionRef<void(std::string_view, std::string_view)> put) : put_(put) {}
  void add(const TermPostings& postings);
  void finish();

 private:
  FunctionRef<void(std::string_view, std::string_view)> put_;
  std::string first_, page_;
};

// Calls take for every term of a page. Throws Error(kBadFile) naming `where` for a damaged one.
void read_term_page(
    std::string_view page, const std::string& where,
    FunctionRef<void(std::string_view term, int64_t chunks, std::string_view bytes)> take);

// True, with its postings, where the page holds the term.
bool find_in_term_page(std::string_view page, std::string_view term, const std::string& where,
                       TermPostings& postings);

}  // namespace onmal
