#include "corpus/prepare/evaluation_sets.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "corpus/input/csv.h"
#include "corpus/input/json_fields.h"
#include "corpus/input/line_stream.h"
#include "corpus/input/raw_documents.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostRecordBytes = uint64_t{64} << 20;

InputFormat format_of(const fs::path& path) {
  try {
    return input_format_of(path);
  } catch (const Error&) {
    return InputFormat::kLines;
  }
}

class SetReader {
 public:
  SetReader(const fs::path& path, FunctionRef<void(std::string_view)> take)
      : path_(path), take_(take) {}

  void read() {
    switch (format_of(path_)) {
      case InputFormat::kJson: {
        JsonListReader list(open_text_stream(path_), kMostRecordBytes);
        for (std::string_view object; list.next(object, path_.string());)
          read_json(object, list.was_cut());
        return;
      }
      case InputFormat::kCsv: {
        CsvReader rows(open_text_stream(path_), kMostRecordBytes);
        for (std::vector<std::string> row; rows.next(row);) {
          ++record_;
          if (rows.was_cut()) refuse("has a quote that never ends");
          for (const std::string& field : row) take_(field);
        }
        return;
      }
      default:
        return read_lines();
    }
  }

 private:
  void read_lines() {
    const bool json = format_of(path_) == InputFormat::kJsonLines;
    LineStream lines(open_text_stream(path_), kMostRecordBytes);
    for (std::string_view line; lines.next(line);) {
      if (json) {
        if (line.find_first_not_of(" \t") != std::string_view::npos)
          read_json(line, lines.was_cut());
        continue;
      }
      for (size_t begin = 0; begin <= line.size();) {
        const size_t end = std::min(line.find('\t', begin), line.size());
        take_(line.substr(begin, end - begin));
        begin = end + 1;
      }
    }
  }

  void read_json(std::string_view json, bool cut) {
    ++record_;
    if (cut || !for_each_json_text(json, [&](const std::string& text) { take_(text); }))
      refuse(cut ? "is too long" : "is no JSON");
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadFile, path_.string(),
                "record " + std::to_string(record_) + " " + what,
                "an evaluation set must be whole: repair it");
  }

  const fs::path& path_;
  FunctionRef<void(std::string_view)> take_;
  uint64_t record_ = 0;
};

}  // namespace

std::unique_ptr<ContaminationIndex> index_evaluation_sets(const std::vector<fs::path>& files,
                                                          uint64_t memory_bytes) {
  ContaminationOptions options;
  options.memory_bytes = memory_bytes;
  auto index = std::make_unique<ContaminationIndex>(options);
  for (const fs::path& file : files) {
    const size_t set = index->add_set(file.filename().string());
    SetReader(file, [&](std::string_view item) {
      if (!item.empty()) index->add(set, item);
    }).read();
  }
  index->build();
  return index;
}

}  // namespace onmal
