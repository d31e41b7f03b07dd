#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// A tab-separated file whose first row names the columns (quotes mean nothing; may be .gz).
class TableFile {
 public:
  // Throws Error(kBadFile) naming the line of a row with fewer fields than columns, or an empty
  // file.
  explicit TableFile(const std::filesystem::path& path);

  size_t rows() const { return rows_.size(); }
  // Throws Error(kBadFile) where no column has that name.
  size_t column(std::string_view name) const;
  const std::string& at(size_t row, size_t column) const { return rows_[row][column]; }
  // "path, line n" of a row.
  std::string where(size_t row) const;

 private:
  std::string name_;
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> lines_;
};

// The lines of a file without their ends (may be .gz); the last line feed begins no line.
std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace onmal
