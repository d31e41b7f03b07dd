#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "safety/linear_classifier.h"

namespace onmal {
namespace {

constexpr uint64_t kMostTableBytes = uint64_t{2} << 30;

std::vector<std::string_view> split_cells(std::string_view line) {
  std::vector<std::string_view> cells;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

}  // namespace

LabelledTable read_labelled_table(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMostTableBytes);
  LabelledTable table;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    begin = end + 1;
    ++number;
    const std::string where = path.string() + ":" + std::to_string(number);
    const std::vector<std::string_view> cells = split_cells(line);
    if (number == 1) {
      if (cells[0] != "text" || cells.size() < 2)
        throw Error(ErrorCode::kBadFile, where, "the header must be text and categories",
                    "separate them by tabs");
      for (size_t i = 1; i < cells.size(); ++i)
        table.labels.push_back(category_of(cells[i], where));
      continue;
    }
    if (cells.size() != table.labels.size() + 1)
      throw Error(ErrorCode::kBadFile, where, "has not as many cells as the header",
                  "separate them by tabs");
    LabelledText row{std::string(cells[0]), {}};
    for (size_t i = 1; i < cells.size(); ++i) {
      if (!cells[i].empty() && cells[i] != "0" && cells[i] != "1")
        throw Error(ErrorCode::kBadFile, where, "a label is 1, 0 or empty", "");
      row.targets.push_back(cells[i].empty() ? int8_t{-1} : static_cast<int8_t>(cells[i] == "1"));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace onmal
