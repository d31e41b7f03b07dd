// A segment's chunks and a term's postings: what can be read can be searched and merged. The first
// two bytes say how many bytes the chunks take.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "knowledge/lexical/segment.h"

namespace {

class OneTerm : public onmal::PostingsSource {
 public:
  explicit OneTerm(std::string_view bytes) : bytes_(bytes) {}
  bool find(int64_t, std::string_view term, onmal::TermPostings& postings) const override {
    postings = {std::string(term), 1, std::string(bytes_)};
    return true;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data + 2), size - 2);
  const size_t head = std::min<size_t>(all.size(), data[0] + size_t{256} * data[1]);
  const OneTerm source(all.substr(head));
  onmal::SegmentChunks chunks;
  try {
    chunks = onmal::decode_segment_chunks(all.substr(0, head), "fuzz");
  } catch (const onmal::Error&) {  // then a plain one
    for (int64_t i = 0; i < 3000; ++i) {
      chunks.chunks.push_back(i);
      chunks.lengths.push_back(static_cast<uint32_t>(i % 7));
      chunks.total_length += static_cast<uint64_t>(i % 7);
    }
  }
  const std::vector<uint64_t> visible(chunks.chunks.size() / 64 + 1, 0xF0FFFFFFFFFFFFFF);
  const std::array<onmal::SegmentView, 1> segments = {{{1, &chunks, visible}}};
  const std::array<onmal::TermCount, 2> query = {{{"a", 1}, {"b", 2}}};
  try {
    const auto found = onmal::search_segments(segments, source, query, 3);
    for (size_t i = 1; i < found.size(); ++i) {
      if (found[i].score > found[i - 1].score) __builtin_trap();
    }
  } catch (const onmal::Error&) {
  }
  try {
    onmal::merge_segments(
        segments,
        [&](onmal::FunctionRef<void(size_t, const onmal::TermPostings&)> take) {
          onmal::TermPostings postings;
          source.find(1, "a", postings);
          take(0, postings);
        },
        [](const onmal::TermPostings&) {});
  } catch (const onmal::Error&) {
  }
  return 0;
}
