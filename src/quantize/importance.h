#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace onmal {

// Of one weight matrix (or of several stacked ones: experts): how large its inputs were.
struct ImportanceEntry {
  std::vector<double> squares;  // sums of squared inputs, column by column, matrix after matrix
  std::vector<double> counts;   // inputs added up, per matrix

  // Mean squares as weights for encoding; 1 for a matrix that saw no input.
  std::vector<float> means() const;
};

// What llama.cpp calls an importance matrix: per weight (by its name in GGUF files) the mean square
// of the activations that meet each column. Quantising weights the columns' errors by it.
struct ImportanceMatrix {
  std::map<std::string, ImportanceEntry> entries;
  std::vector<std::string> datasets;  // what it was made from
  int64_t chunks = 0;
  int64_t chunk_tokens = 0;
};

// Reads either format of llama.cpp: GGUF ("general.type" imatrix, tensors NAME.in_sum2 and
// NAME.counts) or the older binary one (.dat). Throws Error(kBadFile).
ImportanceMatrix read_importance(const std::filesystem::path& path);
ImportanceMatrix parse_importance(std::span<const std::byte> bytes, const std::string& where);

// Writes the GGUF format, atomically.
void write_importance(const std::filesystem::path& path, const ImportanceMatrix& matrix);

}  // namespace onmal
