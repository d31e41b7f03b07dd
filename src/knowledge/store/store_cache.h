#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "knowledge/store/store.h"

namespace onmal {

// First chunk and the one behind the last, ascending, without overlap.
using ChunkRanges = std::vector<std::pair<int64_t, int64_t>>;

// Bit i: chunks[i] lies in one of the ranges.
std::vector<uint64_t> bits_of_ranges(const SegmentChunks& chunks, const ChunkRanges& ranges);

// What one caller sees.
struct KnowledgeStore::View {
  ChunkRanges ranges;
  std::vector<std::vector<uint64_t>> bits;  // of every segment
};

// What a store keeps in memory of one version of its tables.
struct KnowledgeStore::Cache {
  struct Document {
    int64_t first_chunk = 0;
    int64_t chunks = 0;
    std::string collection;
    std::string labels;  // as stored: joined by line feeds
  };
  struct Segment {
    int64_t id = 0;
    SegmentChunks chunks;
  };

  int64_t version = -1;
  std::vector<Document> documents;  // by first chunk
  std::vector<Segment> segments;
  std::unordered_map<std::string, View> views;  // by who asks
};

// Lists in a column: joined by line feeds, which no item holds.
std::string join_lines(const std::vector<std::string>& items);
std::vector<std::string> split_lines(std::string_view text);

}  // namespace onmal
