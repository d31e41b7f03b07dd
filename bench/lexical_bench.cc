// lexical_bench TEXT [CHUNKS...]: how fast texts are analysed, indexed and searched, as JSON lines.
// Chunks of about 400 bytes are made of lines drawn at random from TEXT, and go into segments as a
// store would put them: one for every 8 MB of gathered postings, eight of a tier merged into one.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "base/timer.h"
#include "knowledge/analyzer.h"
#include "knowledge/lexical/segment.h"
#include "knowledge/lexical/terms.h"

namespace {

constexpr size_t kChunkBytes = 400;
constexpr uint64_t kFlushBytes = uint64_t{8} << 20;
constexpr size_t kTier = 8;
constexpr int kQueries = 1000;

struct Segment {
  onmal::SegmentChunks chunks;
  std::vector<onmal::TermPostings> terms;  // ascending
  std::unordered_map<std::string_view, size_t> places;
  std::vector<uint64_t> visible;
  size_t tier = 0;

  void finish() {
    for (size_t i = 0; i < terms.size(); ++i) places[terms[i].term] = i;
    visible.assign(chunks.chunks.size() / 64 + 1, ~uint64_t{0});
  }
};

class Index : public onmal::PostingsSource {
 public:
  bool find(int64_t segment, std::string_view term, onmal::TermPostings& postings) const override {
    const Segment& here = *segments_[static_cast<size_t>(segment)];
    const auto found = here.places.find(term);
    if (found == here.places.end()) return false;
    postings = here.terms[found->second];
    return true;
  }

  void flush(onmal::SegmentBuilder& builder) {
    auto segment = std::make_unique<Segment>();
    segment->chunks =
        builder.finish([&](const onmal::TermPostings& term) { segment->terms.push_back(term); });
    segment->finish();
    segments_.push_back(std::move(segment));
    while (segments_.size() >= kTier &&
           segments_[segments_.size() - kTier]->tier == segments_.back()->tier)
      merge_last();
  }

  std::vector<onmal::SegmentView> views(size_t first = 0) const {
    std::vector<onmal::SegmentView> views;
    for (size_t i = first; i < segments_.size(); ++i)
      views.push_back(
          {static_cast<int64_t>(i), &segments_[i]->chunks, std::span(segments_[i]->visible)});
    return views;
  }

  size_t bytes() const {
    size_t sum = 0;
    for (const auto& segment : segments_) {
      sum += onmal::encode_segment_chunks(segment->chunks).size();
      for (const onmal::TermPostings& term : segment->terms)
        sum += term.term.size() + term.bytes.size();
    }
    return sum;
  }

 private:
  void merge_last() {
    const size_t first = segments_.size() - kTier;
    auto merged = std::make_unique<Segment>();
    merged->tier = segments_.back()->tier + 1;
    const auto terms = [&](onmal::FunctionRef<void(size_t, const onmal::TermPostings&)> take) {
      std::vector<size_t> next(kTier);
      while (true) {
        const std::string* least = nullptr;
        for (size_t i = 0; i < kTier; ++i) {
          const auto& theirs = segments_[first + i]->terms;
          if (next[i] < theirs.size() && (least == nullptr || theirs[next[i]].term < *least))
            least = &theirs[next[i]].term;
        }
        if (least == nullptr) return;
        for (size_t i = 0; i < kTier; ++i) {
          const auto& theirs = segments_[first + i]->terms;
          if (next[i] < theirs.size() && theirs[next[i]].term == *least) take(i, theirs[next[i]++]);
        }
      }
    };
    merged->chunks = onmal::merge_segments(
        views(first), terms,
        [&](const onmal::TermPostings& term) { merged->terms.push_back(term); });
    merged->finish();
    segments_.resize(first);
    segments_.push_back(std::move(merged));
  }

  std::vector<std::unique_ptr<Segment>> segments_;
};

std::vector<std::string_view> lines_of(const std::string& text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) lines.emplace_back(text.data() + begin, end - begin);
    begin = end + 1;
  }
  return lines;
}

std::string random_chunk(const std::vector<std::string_view>& lines, onmal::Rng& rng) {
  std::string chunk;
  while (chunk.size() < kChunkBytes * 3 / 4) {
    if (!chunk.empty()) chunk += '\n';
    chunk += lines[rng.below(lines.size())].substr(0, 4 * kChunkBytes);
  }
  return chunk;
}

// 2 to 6 words that stand together.
std::string random_query(const std::string& chunk, onmal::Rng& rng) {
  std::vector<std::string> words(1);
  for (const char c : chunk) {
    if (c != ' ' && c != '\n')
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  const size_t count = std::min<size_t>(words.size(), 2 + rng.below(5));
  const size_t first = rng.below(words.size() - count + 1);
  std::string query;
  for (size_t i = first; i < first + count; ++i) query += words[i] + ' ';
  return query;
}

void measure_search(const Index& index, const std::vector<std::vector<onmal::TermCount>>& queries,
                    int64_t k) {
  const auto views = index.views();
  std::vector<double> milliseconds;
  double terms = 0, found = 0;
  for (const auto& query : queries) {
    const onmal::Timer timer;
    found += static_cast<double>(onmal::search_segments(views, index, query, k).size());
    milliseconds.push_back(timer.seconds() * 1e3);
    terms += static_cast<double>(query.size());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](size_t percent) {
    return milliseconds[(milliseconds.size() - 1) * percent / 100];
  };
  std::printf(
      ", \"k%lld\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"found\": %.1f, "
      "\"query_terms\": %.1f}",
      static_cast<long long>(k), at(50), at(99), milliseconds.back(), found / kQueries,
      terms / kQueries);
}

void measure(const std::vector<std::string_view>& lines, size_t chunks) {
  onmal::Rng rng(1);
  const onmal::Analyzer analyzer;
  Index index;
  onmal::SegmentBuilder builder;
  std::vector<std::vector<onmal::TermCount>> queries;
  double bytes = 0, analysing = 0, building = 0;
  uint64_t hash = 0;
  for (size_t i = 0; i < chunks; ++i) {
    const std::string chunk = random_chunk(lines, rng);
    bytes += static_cast<double>(chunk.size());
    if (i * kQueries / chunks != (i + 1) * kQueries / chunks)
      queries.push_back(onmal::query_terms(analyzer, random_query(chunk, rng)));
    onmal::Timer timer;
    const std::vector<onmal::TermCount> terms = onmal::chunk_terms(analyzer, "", chunk);
    analysing += timer.seconds();
    timer = onmal::Timer();
    builder.add(static_cast<int64_t>(i + 1), terms);
    if (builder.bytes() >= kFlushBytes) index.flush(builder);
    building += timer.seconds();
    for (const onmal::TermCount& term : terms)
      hash += std::hash<std::string>()(term.term) * (term.count + i);
  }
  const onmal::Timer timer;
  if (!builder.empty()) index.flush(builder);
  building += timer.seconds();
  std::printf(
      "{\"chunks\": %zu, \"bytes\": %.0f, \"segments\": %zu, \"index_bytes\": %zu, "
      "\"analyse_mb_per_s\": %.1f, \"build_mb_per_s\": %.1f, \"both_mb_per_s\": %.1f, "
      "\"terms_hash\": \"%016llx\"",
      chunks, bytes, index.views().size(), index.bytes(), bytes / 1e6 / analysing,
      bytes / 1e6 / building, bytes / 1e6 / (analysing + building),
      static_cast<unsigned long long>(hash));
  for (const int64_t k : {10, 100}) measure_search(index, queries, k);
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: lexical_bench TEXT [CHUNKS...]\n");
    return 2;
  }
  try {
    const std::string text = onmal::read_file(argv[1]);
    const std::vector<std::string_view> lines = lines_of(text);
    std::vector<size_t> sizes;
    for (int i = 2; i < argc; ++i) sizes.push_back(std::strtoull(argv[i], nullptr, 10));
    if (sizes.empty()) sizes = {10000, 100000, 1000000};
    for (const size_t chunks : sizes) measure(lines, chunks);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lexical_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
