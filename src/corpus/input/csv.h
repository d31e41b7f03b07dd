#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "corpus/input/line_stream.h"

namespace onmal {

inline constexpr size_t kMostColumns = 4096;  // the rest of a row counts as its last field

// Rows of comma-separated values (RFC 4180): fields may be quoted, hold doubled quotes and span
// lines.
class CsvReader {
 public:
  CsvReader(std::unique_ptr<ByteStream> bytes, uint64_t most_row_bytes)
      : lines_(std::move(bytes), most_row_bytes), most_(most_row_bytes) {}

  // False at the end. A row beyond the limit, or whose quote is never closed, is given up: reading
  // goes on at the next line.
  bool next(std::vector<std::string>& row);
  bool was_cut() const { return cut_; }
  uint64_t offset() const { return offset_; }
  uint64_t packed_position() const { return lines_.packed_position(); }

 private:
  LineStream lines_;
  uint64_t most_;
  uint64_t offset_ = 0;
  bool cut_ = false;
};

}  // namespace onmal
