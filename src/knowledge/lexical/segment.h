#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

// An inverted index is a set of segments; each holds the postings of some chunks and never changes.
// New chunks make a new segment, a deleted one is left out by its visible bit until segments merge.

// Chunks of a segment: number i of its postings is chunks[i].
struct SegmentChunks {
  std::vector<int64_t> chunks;    // ascending
  std::vector<uint32_t> lengths;  // in terms
  uint64_t total_length = 0;
};
std::string encode_segment_chunks(const SegmentChunks& chunks);
// Throws Error(kBadFile) naming `where` for bytes that are no such thing.
SegmentChunks decode_segment_chunks(std::string_view bytes, const std::string& where);

// A term's postings in one segment.
struct TermPostings {
  std::string term;
  int64_t chunks = 0;  // that hold it
  std::string bytes;   // lexical/postings.h
};

// How often a chunk holds a term.
struct TermCount {
  std::string term;
  uint32_t count = 1;
};

// Gathers the postings of new chunks. Not thread-safe.
class SegmentBuilder {
 public:
  // `chunk` above all added before; terms are distinct, in any order. Its length is the sum of the
  // counts.
  void add(int64_t chunk, std::span<const TermCount> terms);
  bool empty() const { return chunks_.chunks.empty(); }
  uint64_t bytes() const { return bytes_; }  // of memory held, about
  // Gives the postings in the order of their terms' bytes, and the chunks; it is empty afterwards.
  SegmentChunks finish(FunctionRef<void(const TermPostings&)> take);

 private:
  struct Gathered {
    int64_t chunks = 0;
    std::vector<uint32_t> numbers_and_counts;  // in pairs
  };
  SegmentChunks chunks_;
  std::unordered_map<std::string, Gathered> terms_;
  uint64_t bytes_ = 0;
};

// Gives the postings of one segment, term by term.
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;
  // False when no chunk of the segment holds the term.
  virtual bool find(int64_t segment, std::string_view term, TermPostings& postings) const = 0;
};

// What a search sees of a segment.
struct SegmentView {
  int64_t id = 0;
  const SegmentChunks* chunks = nullptr;
  // Bit i % 64 of visible[i / 64]: chunk number i may be found. Deleted chunks and those the caller
  // may not see are 0.
  std::span<const uint64_t> visible;

  bool is_visible(size_t number) const {
    return number / 64 < visible.size() && (visible[number / 64] >> (number % 64) & 1) != 0;
  }
};

// Defaults chosen on Korean and English questions alike (docs/LOG.md).
struct Bm25Options {
  double k1 = 1.4;
  double b = 0.65;
};

struct ScoredChunk {
  int64_t chunk = 0;
  double score = 0;
};

// The k chunks with the highest BM25 score for the query's terms, best first, equal scores by
// ascending chunk: exactly those that scoring every visible chunk gives. A term that the query
// holds n times counts n times. Statistics are those of all segments, deleted chunks included until
// a merge. `possible` takes the score that a chunk would near that held every term without end;
// terms that no chunk holds count, as the rarest there are. Throws Error(kBadFile) for damaged
// postings.
std::vector<ScoredChunk> search_segments(std::span<const SegmentView> segments,
                                         const PostingsSource& source,
                                         std::span<const TermCount> query, int64_t k,
                                         const Bm25Options& options = {},
                                         double* possible = nullptr);

// One segment of several, without the chunks whose visible bit is 0. `terms` calls back with every
// (position in `segments`, postings), ascending by term, then position, as stores read them.
SegmentChunks merge_segments(
    std::span<const SegmentView> segments,
    FunctionRef<void(FunctionRef<void(size_t, const TermPostings&)>)> terms,
    FunctionRef<void(const TermPostings&)> take);

}  // namespace onmal
