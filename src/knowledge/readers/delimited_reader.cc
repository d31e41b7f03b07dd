#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "knowledge/readers/reader.h"
#include "text/encoding.h"

namespace onmal {
namespace {

constexpr size_t kMostColumns = 16384;

// A cell: stretches of the file; a doubled quote cuts one.
struct Cell {
  std::vector<std::pair<size_t, size_t>> parts;  // begin, end
};

class Table {
 public:
  Table(std::string_view text, char delimiter, const std::string& where)
      : text_(text), at_(mark_length(text)), delimiter_(delimiter), where_(where) {}

  // False at the end of the file.
  bool next_row(std::vector<Cell>& row) {
    row.clear();
    if (at_ >= text_.size()) return false;
    for (;;) {
      row.push_back(next_cell());
      if (row.size() > kMostColumns)
        throw Error(ErrorCode::kBadFile, where_, "a row has more than 16384 cells");
      if (at_ >= text_.size()) return true;
      if (text_[at_] == delimiter_) {
        ++at_;
        continue;
      }
      at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
      return true;
    }
  }

 private:
  Cell next_cell() {
    Cell cell;
    const std::array<char, 4> ends = {delimiter_, '\r', '\n', '\0'};
    if (at_ < text_.size() && text_[at_] == '"') {
      // A quote that nothing closes is a character like others.
      size_t begin = at_ + 1;
      for (size_t quote = text_.find('"', begin); quote != text_.npos;) {
        cell.parts.emplace_back(begin, quote);
        at_ = quote + 1;
        if (at_ >= text_.size() || text_[at_] != '"') break;
        begin = at_;  // the second of two stays
        quote = text_.find('"', begin + 1);
      }
    }
    const size_t end = std::min(text_.find_first_of(ends.data(), at_, 3), text_.size());
    if (end > at_) cell.parts.emplace_back(at_, end);
    at_ = end;
    return cell;
  }

  std::string_view text_;
  size_t at_;
  char delimiter_;
  std::string where_;
};

std::string value_of(std::string_view text, const Cell& cell) {
  std::string value;
  for (const auto& [begin, end] : cell.parts) value += text.substr(begin, end - begin);
  const size_t first = value.find_first_not_of(" \t\r\n");
  if (first == value.npos) return "";
  return value.substr(first, value.find_last_not_of(" \t\r\n") - first + 1);
}

bool looks_like_number(const std::string& value) {
  return !value.empty() && value.find_first_not_of("0123456789.,-+%eE ") == value.npos;
}

// Column names are words, no two the same; numbers are data.
bool is_header(const std::vector<std::string>& names) {
  size_t empty = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) ++empty;
    if (looks_like_number(names[i]) || names[i].size() > 200) return false;
  }
  std::vector<std::string> sorted;
  std::copy_if(names.begin(), names.end(), std::back_inserter(sorted),
               [](const std::string& name) { return !name.empty(); });
  std::sort(sorted.begin(), sorted.end());
  return empty * 2 < names.size() &&
         std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

char guess_delimiter(std::string_view text, const std::string& ending) {
  if (ending == ".tsv" || ending == ".tab") return '\t';
  const std::string_view line = text.substr(0, text.find('\n'));
  char best = ',';
  for (const char c : {';', '\t', '|'}) {
    if (std::count(line.begin(), line.end(), c) > std::count(line.begin(), line.end(), best))
      best = c;
  }
  return best;
}

void append_value(std::string_view text, const Cell& cell, DocumentBuilder& out) {
  for (const auto& [begin, end] : cell.parts) {
    // A row is one line of the text.
    for (size_t at = begin; at < end;) {
      const size_t stop = std::min(text.find_first_of("\r\n", at), end);
      out.append(text.substr(at, stop - at), at);
      if (stop < end) out.append(" ");
      at = stop + 1;
    }
  }
}

void add_row(std::string_view text, const std::vector<std::string>& names,
             const std::vector<Cell>& row, DocumentBuilder& out) {
  out.begin_block(BlockKind::kTableRow);
  for (size_t i = 0; i < row.size(); ++i) {
    if (value_of(text, row[i]).empty()) continue;
    if (out.open_bytes() > 0) out.append(" | ");
    if (i < names.size() && !names[i].empty()) out.append(names[i] + ": ");
    append_value(text, row[i], out);
  }
  out.end_block();
}

}  // namespace

void read_delimited(const ReaderInput& input, DocumentBuilder& out) {
  const std::string text = decode_text(input.bytes, input.where()).text;
  Table table(text, guess_delimiter(text, input.ending), input.where());
  std::vector<Cell> row;
  if (!table.next_row(row)) return;
  std::vector<std::string> names;
  for (const Cell& cell : row) {
    names.push_back(value_of(text, cell));
    std::replace(names.back().begin(), names.back().end(), '\n', ' ');
  }
  const std::vector<Cell> first = row;
  const bool header = is_header(names);
  if (!header) names.clear();
  bool more = table.next_row(row);
  // Without rows, a header is all there is.
  if (!header || !more) add_row(text, {}, first, out);
  for (; more; more = table.next_row(row)) add_row(text, names, row, out);
}

}  // namespace onmal
