#include "evaluate/table_file.h"

#include <algorithm>

#include "base/error.h"
#include "corpus/decompress.h"

namespace onmal {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

}  // namespace

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::string text = read_unpacked(path, kMostBytes);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    begin = end + 1;
  }
  return lines;
}

TableFile::TableFile(const std::filesystem::path& path) : name_(path.string()) {
  const std::vector<std::string> lines = read_lines(path);
  if (lines.empty()) throw Error(ErrorCode::kBadFile, name_, "is empty");
  header_ = fields_of(lines[0]);
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    rows_.push_back(fields_of(lines[i]));
    lines_.push_back(i + 1);
    if (rows_.back().size() < header_.size()) {
      throw Error(ErrorCode::kBadFile, where(rows_.size() - 1),
                  "has " + std::to_string(rows_.back().size()) + " fields for " +
                      std::to_string(header_.size()) + " columns",
                  "expected tabs between the fields");
    }
  }
}

std::string TableFile::where(size_t row) const {
  return name_ + ", line " + std::to_string(lines_[row]);
}

size_t TableFile::column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end())
    throw Error(ErrorCode::kBadFile, name_, "has no column '" + std::string(name) + "'");
  return static_cast<size_t>(found - header_.begin());
}

}  // namespace onmal
