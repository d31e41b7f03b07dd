#include "knowledge/store/term_pages.h"

#include "knowledge/lexical/variable_bytes.h"

namespace onmal {
namespace {

// A search reads one page a term and segment; more small terms on it cost more to read, fewer make
// more rows.
constexpr size_t kPageBytes = 8192;

}  // namespace

void TermPageWriter::add(const TermPostings& postings) {
  if (page_.size() + postings.bytes.size() > kPageBytes) finish();
  if (page_.empty()) first_ = postings.term;
  append_variable(postings.term.size(), page_);
  page_ += postings.term;
  append_variable(static_cast<uint64_t>(postings.chunks), page_);
  append_variable(postings.bytes.size(), page_);
  page_ += postings.bytes;
}

void TermPageWriter::finish() {
  if (page_.empty()) return;
  put_(first_, page_);
  page_.clear();
}

void read_term_page(
    std::string_view page, const std::string& where,
    FunctionRef<void(std::string_view term, int64_t chunks, std::string_view bytes)> take) {
  for (VariableReader reader(page, where); !reader.rest().empty();) {
    const std::string_view term = reader.bytes();
    const auto chunks = static_cast<int64_t>(reader.number());
    take(term, chunks, reader.bytes());
  }
}

bool find_in_term_page(std::string_view page, std::string_view term, const std::string& where,
                       TermPostings& postings) {
  for (VariableReader reader(page, where); !reader.rest().empty();) {
    const std::string_view here = reader.bytes();
    const auto chunks = static_cast<int64_t>(reader.number());
    const std::string_view bytes = reader.bytes();
    if (here < term) continue;
    if (here != term) return false;
    postings.term = term;
    postings.chunks = chunks;
    postings.bytes = bytes;
    return true;
  }
  return false;
}

}  // namespace onmal
