#include "knowledge/lexical/segment.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/error.h"
#include "knowledge/lexical/postings.h"
#include "knowledge/lexical/variable_bytes.h"

namespace onmal {
namespace {

constexpr uint64_t kMostChunks = uint64_t{1} << 31;
constexpr uint32_t kMostLength = INT32_MAX;
constexpr uint32_t kGone = UINT32_MAX;
// What a term costs beside its letters and postings: the map's node and bucket, the vector.
constexpr uint64_t kTermBytes = 96;

void check_chunk(const SegmentChunks& chunks, int64_t chunk, const std::string& where) {
  if (!chunks.chunks.empty() && chunk <= chunks.chunks.back())
    throw Error(ErrorCode::kBadFile, where,
                "chunk " + std::to_string(chunk) + " stands twice or out of order");
}

void push_chunk(SegmentChunks& chunks, int64_t chunk, uint32_t length) {
  chunks.chunks.push_back(chunk);
  chunks.lengths.push_back(length);
  chunks.total_length += length;
}

// Joins the postings of one term out of several segments.
class TermMerger {
 public:
  TermMerger(std::span<const SegmentView> segments,
             const std::vector<std::vector<uint32_t>>& renumbered, const SegmentChunks& merged,
             FunctionRef<void(const TermPostings&)> take)
      : segments_(segments), renumbered_(renumbered), merged_(merged), take_(take) {}

  void add(size_t position, const TermPostings& postings) {
    ONMAL_ASSERT(position < segments_.size());
    if (postings.term != term_) {
      finish();
      term_ = postings.term;
    }
    const std::string where = "segment " + std::to_string(segments_[position].id);
    const std::vector<uint32_t>& renumbered = renumbered_[position];
    const PostingsReader reader(postings.bytes, renumbered.size(), where);
    std::array<uint32_t, kPostingsBlock> numbers, counts;
    for (size_t block = 0; block < reader.blocks(); ++block) {
      const size_t size = reader.read(block, numbers, counts);
      for (size_t i = 0; i < size; ++i) {
        const uint32_t number = renumbered[numbers[i]];
        if (number != kGone) joined_.push_back({number, counts[i]});
      }
    }
  }

  void finish() {
    if (joined_.empty()) return;
    const auto by_number = [](const Joined& a, const Joined& b) { return a.number < b.number; };
    if (!std::is_sorted(joined_.begin(), joined_.end(), by_number))
      std::sort(joined_.begin(), joined_.end(), by_number);
    numbers_.clear();
    counts_.clear();
    for (const Joined& posting : joined_) {
      if (!numbers_.empty() && numbers_.back() == posting.number)
        throw Error(ErrorCode::kBadFile, "segments", "a term comes twice from one of them",
                    "index the texts again");
      numbers_.push_back(posting.number);
      counts_.push_back(posting.count);
    }
    take_({term_, static_cast<int64_t>(numbers_.size()),
           encode_postings(numbers_, counts_, merged_.lengths)});
    joined_.clear();
  }

 private:
  struct Joined {
    uint32_t number, count;
  };
  std::span<const SegmentView> segments_;
  const std::vector<std::vector<uint32_t>>& renumbered_;
  const SegmentChunks& merged_;
  FunctionRef<void(const TermPostings&)> take_;
  std::string term_;
  std::vector<Joined> joined_;
  std::vector<uint32_t> numbers_, counts_;
};

}  // namespace

std::string encode_segment_chunks(const SegmentChunks& chunks) {
  ONMAL_ASSERT(chunks.chunks.size() == chunks.lengths.size());
  std::string out;
  append_variable(chunks.chunks.size(), out);
  int64_t before = -1;
  for (const int64_t chunk : chunks.chunks) {
    ONMAL_ASSERT(chunk > before);
    append_variable(static_cast<uint64_t>(chunk - before - 1), out);
    before = chunk;
  }
  for (const uint32_t length : chunks.lengths) append_variable(length, out);
  return out;
}

SegmentChunks decode_segment_chunks(std::string_view bytes, const std::string& where) {
  constexpr int64_t kBeyondChunks = INT64_MAX;
  VariableReader reader(bytes, where);
  SegmentChunks chunks;
  const uint64_t count = reader.number_up_to(std::min<uint64_t>(kMostChunks, bytes.size()));
  chunks.chunks.reserve(count);
  chunks.lengths.reserve(count);
  int64_t next = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (next == kBeyondChunks) reader.fail("has a chunk number that is too large");
    next +=
        static_cast<int64_t>(reader.number_up_to(static_cast<uint64_t>(kBeyondChunks - 1 - next)));
    chunks.chunks.push_back(next++);
  }
  for (uint64_t i = 0; i < count; ++i) {
    chunks.lengths.push_back(static_cast<uint32_t>(reader.number_up_to(UINT32_MAX)));
    chunks.total_length += chunks.lengths.back();
  }
  if (!reader.rest().empty()) reader.fail("goes on where it should end");
  return chunks;
}

void SegmentBuilder::add(int64_t chunk, std::span<const TermCount> terms) {
  ONMAL_ASSERT(chunk >= 0 && (chunks_.chunks.empty() || chunk > chunks_.chunks.back()));
  if (chunks_.chunks.size() >= kMostChunks)
    throw Error(ErrorCode::kResource, "search index", "a segment has too many chunks");
  const auto number = static_cast<uint32_t>(chunks_.chunks.size());
  uint64_t length = 0;
  for (const TermCount& term : terms) {
    ONMAL_ASSERT(term.count > 0 && term.count <= kMostLength);
    const auto [place, is_new] = terms_.try_emplace(term.term);
    Gathered& gathered = place->second;
    ONMAL_ASSERT(is_new || gathered.numbers_and_counts[gathered.numbers_and_counts.size() - 2] !=
                               number);  // distinct terms
    if (is_new) bytes_ += kTermBytes + term.term.size();
    const size_t before = gathered.numbers_and_counts.capacity();
    gathered.numbers_and_counts.push_back(number);
    gathered.numbers_and_counts.push_back(term.count);
    bytes_ += (gathered.numbers_and_counts.capacity() - before) * sizeof(uint32_t);
    ++gathered.chunks;
    length += term.count;
  }
  push_chunk(chunks_, chunk, static_cast<uint32_t>(std::min<uint64_t>(length, kMostLength)));
  bytes_ += sizeof(int64_t) + sizeof(uint32_t);
}

SegmentChunks SegmentBuilder::finish(FunctionRef<void(const TermPostings&)> take) {
  std::vector<const std::pair<const std::string, Gathered>*> sorted;
  sorted.reserve(terms_.size());
  for (const auto& entry : terms_) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  std::vector<uint32_t> numbers, counts;
  for (const auto* entry : sorted) {
    numbers.clear();
    counts.clear();
    const std::vector<uint32_t>& pairs = entry->second.numbers_and_counts;
    for (size_t i = 0; i < pairs.size(); i += 2) {
      numbers.push_back(pairs[i]);
      counts.push_back(pairs[i + 1]);
    }
    take({entry->first, entry->second.chunks, encode_postings(numbers, counts, chunks_.lengths)});
  }
  SegmentChunks chunks = std::move(chunks_);
  *this = SegmentBuilder{};
  return chunks;
}

SegmentChunks merge_segments(
    std::span<const SegmentView> segments,
    FunctionRef<void(FunctionRef<void(size_t, const TermPostings&)>)> terms,
    FunctionRef<void(const TermPostings&)> take) {
  struct Place {
    int64_t chunk;
    size_t position, number;
  };
  std::vector<Place> places;
  std::vector<std::vector<uint32_t>> renumbered(segments.size());
  for (size_t position = 0; position < segments.size(); ++position) {
    const SegmentView& segment = segments[position];
    renumbered[position].assign(segment.chunks->chunks.size(), kGone);
    for (size_t number = 0; number < segment.chunks->chunks.size(); ++number) {
      if (segment.is_visible(number))
        places.push_back({segment.chunks->chunks[number], position, number});
    }
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.chunk < b.chunk; });
  if (places.size() > kMostChunks)
    throw Error(ErrorCode::kResource, "search index", "a segment would have too many chunks");
  SegmentChunks merged;
  for (const Place& place : places) {
    check_chunk(merged, place.chunk, "segment " + std::to_string(segments[place.position].id));
    renumbered[place.position][place.number] = static_cast<uint32_t>(merged.chunks.size());
    push_chunk(merged, place.chunk, segments[place.position].chunks->lengths[place.number]);
  }
  TermMerger merger(segments, renumbered, merged, take);
  terms([&](size_t position, const TermPostings& postings) { merger.add(position, postings); });
  merger.finish();
  return merged;
}

}  // namespace onmal
