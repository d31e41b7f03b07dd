#include "corpus/input/csv.h"

#include <string_view>

namespace onmal {
namespace {

// Takes a line into the row's last fields; returns whether a quote is still open.
bool take_line(std::string_view line, bool quoted, std::vector<std::string>& row) {
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c != '"') {
        row.back() += c;
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        row.back() += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' && row.size() < kMostColumns) {
      row.emplace_back();
    } else {
      row.back() += c;
    }
  }
  return quoted;
}

}  // namespace

bool CsvReader::next(std::vector<std::string>& row) {
  row.assign(1, "");
  cut_ = false;
  bool quoted = false;
  bool any = false;
  uint64_t bytes = 0;
  for (std::string_view line; lines_.next(line);) {
    if (!any) offset_ = lines_.offset();
    any = true;
    bytes += lines_.line_bytes() + 1;
    cut_ = lines_.was_cut() || bytes > most_;
    if (cut_) return true;
    quoted = take_line(line, quoted, row);
    if (!quoted) return true;
    row.back() += '\n';
  }
  cut_ = quoted;
  return any;
}

}  // namespace onmal
