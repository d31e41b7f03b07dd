#include "knowledge/lexical/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace onmal {
namespace {

using Counts = std::map<std::string, uint32_t>;

struct MemorySegment {
  SegmentChunks chunks;
  std::map<std::string, TermPostings> terms;
  std::vector<uint64_t> visible;
};

class MemoryIndex : public PostingsSource {
 public:
  bool find(int64_t segment, std::string_view term, TermPostings& postings) const override {
    const auto& terms = segments[static_cast<size_t>(segment)].terms;
    const auto found = terms.find(std::string(term));
    if (found == terms.end()) return false;
    postings = found->second;
    return true;
  }
  std::vector<SegmentView> views() const {
    std::vector<SegmentView> views;
    for (size_t i = 0; i < segments.size(); ++i)
      views.push_back({static_cast<int64_t>(i), &segments[i].chunks, segments[i].visible});
    return views;
  }

  std::vector<MemorySegment> segments;
};

std::vector<TermCount> list(const Counts& counts) {
  std::vector<TermCount> terms;
  for (const auto& [term, count] : counts) terms.push_back({term, count});
  return terms;
}

// Chunks of random length whose terms are distributed as 1 / rank.
std::map<int64_t, Counts> random_chunks(size_t count, size_t vocabulary, Rng& rng) {
  std::map<int64_t, Counts> chunks;
  int64_t id = 0;
  for (size_t i = 0; i < count; ++i) {
    id += static_cast<int64_t>(1 + rng.below(5));
    Counts& counts = chunks[id];
    for (uint64_t length = 1 + rng.below(rng.below(10) == 0 ? 200 : 30); length > 0; --length) {
      const double rank = std::pow(static_cast<double>(vocabulary), rng.uniform());
      ++counts[std::string("t").append(std::to_string(static_cast<int>(rank)))];
    }
  }
  return chunks;
}

void show_all(MemorySegment& segment) {
  segment.visible.assign(segment.chunks.chunks.size() / 64 + 1, ~uint64_t{0});
}

MemorySegment build(const std::map<int64_t, Counts>& chunks) {
  SegmentBuilder builder;
  for (const auto& [chunk, counts] : chunks) builder.add(chunk, list(counts));
  MemorySegment segment;
  std::string last;
  segment.chunks = builder.finish([&](const TermPostings& postings) {
    EXPECT_LT(last, postings.term);
    last = postings.term;
    segment.terms[postings.term] = postings;
  });
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.bytes(), 0u);
  show_all(segment);
  return segment;
}

MemorySegment merge(const MemoryIndex& index) {
  MemorySegment merged;
  std::string last;
  const auto terms = [&](FunctionRef<void(size_t, const TermPostings&)> take) {
    std::set<std::string> all;
    for (const MemorySegment& segment : index.segments)
      for (const auto& [term, postings] : segment.terms) all.insert(term);
    for (const std::string& term : all) {
      for (size_t i = 0; i < index.segments.size(); ++i) {
        const auto found = index.segments[i].terms.find(term);
        if (found != index.segments[i].terms.end()) take(i, found->second);
      }
    }
  };
  merged.chunks = merge_segments(index.views(), terms, [&](const TermPostings& postings) {
    EXPECT_LT(last, postings.term);
    last = postings.term;
    merged.terms[postings.term] = postings;
  });
  show_all(merged);
  return merged;
}

// Straight from the formula, over every chunk of `all`; only those of `visible` may be found.
std::vector<ScoredChunk> brute_force(const std::map<int64_t, Counts>& all,
                                     const std::set<int64_t>& visible, const Counts& query,
                                     size_t k, const Bm25Options& options = {}) {
  std::map<int64_t, double> lengths;
  double total = 0;
  for (const auto& [chunk, counts] : all) {
    for (const auto& [term, count] : counts) lengths[chunk] += count;
    total += lengths[chunk];
  }
  const auto chunks = static_cast<double>(all.size());
  std::map<int64_t, double> scores;
  for (const auto& [term, times] : query) {
    double holding = 0;
    for (const auto& [chunk, counts] : all) holding += counts.contains(term) ? 1 : 0;
    const double idf = std::log(1 + (chunks - holding + 0.5) / (holding + 0.5));
    for (const int64_t chunk : visible) {
      const auto found = all.at(chunk).find(term);
      if (found == all.at(chunk).end()) continue;
      const double count = found->second;
      const double relative = lengths[chunk] / (total / chunks);
      scores[chunk] += times * idf * count * (options.k1 + 1) /
                       (count + options.k1 * (1 - options.b + options.b * relative));
    }
  }
  std::vector<ScoredChunk> ranked;
  for (const auto& [chunk, score] : scores) ranked.push_back({chunk, score});
  std::stable_sort(ranked.begin(), ranked.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.score > b.score * (1 + 1e-12);
  });
  if (ranked.size() > k) ranked.resize(k);
  return ranked;
}

void expect_same(const std::vector<ScoredChunk>& found, const std::vector<ScoredChunk>& expected,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].chunk, expected[i].chunk) << what << " rank " << i;
    ASSERT_NEAR(found[i].score, expected[i].score, 1e-9 * expected[i].score) << what;
  }
}

struct Corpus {
  std::map<int64_t, Counts> all;
  std::set<int64_t> visible;
  MemoryIndex index;
};

// Chunks dealt to segments in runs or, when `mixed`, at random; `hidden` of them not to be found.
Corpus random_corpus(size_t chunks, size_t segments, bool mixed, double hidden, Rng& rng) {
  Corpus corpus;
  corpus.all = random_chunks(chunks, 500, rng);
  std::vector<std::map<int64_t, Counts>> dealt(segments);
  size_t i = 0;
  for (const auto& [chunk, counts] : corpus.all) {
    dealt[mixed ? rng.below(segments) : i++ * segments / chunks][chunk] = counts;
    corpus.visible.insert(chunk);
  }
  for (const auto& some : dealt) {
    MemorySegment& segment = corpus.index.segments.emplace_back(build(some));
    for (size_t number = 0; number < segment.chunks.chunks.size(); ++number) {
      if (rng.uniform() >= hidden) continue;
      segment.visible[number / 64] &= ~(uint64_t{1} << (number % 64));
      corpus.visible.erase(segment.chunks.chunks[number]);
    }
  }
  return corpus;
}

Counts random_query(const std::map<int64_t, Counts>& all, Rng& rng) {
  Counts query;
  for (uint64_t terms = 1 + rng.below(6); terms > 0; --terms) {
    auto place = all.begin();
    std::advance(place, static_cast<std::ptrdiff_t>(rng.below(all.size())));
    auto term = place->second.begin();
    std::advance(term, static_cast<std::ptrdiff_t>(rng.below(place->second.size())));
    query[term->first] += static_cast<uint32_t>(1 + rng.below(2));
  }
  if (rng.below(4) == 0) query["nowhere"] = 1;
  return query;
}

TEST(SearchSegments, FindsWhatBruteForceFinds) {
  Rng rng(1);
  for (int round = 0; round < 12; ++round) {
    const Corpus corpus = random_corpus(round < 8 ? 300 : 9000, 1 + rng.below(4), round % 2 == 1,
                                        round % 3 == 0 ? 0.0 : 0.3, rng);
    const auto views = corpus.index.views();
    for (int q = 0; q < (round < 8 ? 25 : 4); ++q) {
      const Counts query = random_query(corpus.all, rng);
      const Bm25Options options{q % 5 == 4 ? 0.0 : 1.2, q % 3 == 2 ? 0.9 : 0.75};
      std::vector<ScoredChunk> expected =
          brute_force(corpus.all, corpus.visible, query, corpus.all.size(), options);
      for (const size_t k : {size_t{100000}, size_t{100}, size_t{10}, size_t{1}}) {
        expected.resize(std::min(k, expected.size()));
        expect_same(
            search_segments(views, corpus.index, list(query), static_cast<int64_t>(k), options),
            expected,
            "round " + std::to_string(round) + " query " + std::to_string(q) + " k " +
                std::to_string(k));
      }
    }
  }
}

TEST(SearchSegments, TermsGivenSeveralTimesAddUp) {
  Rng rng(2);
  const Corpus corpus = random_corpus(200, 2, false, 0, rng);
  const std::vector<TermCount> query = {{"t3", 1}, {"t1", 2}, {"t3", 2}, {"t9", 0}};
  expect_same(search_segments(corpus.index.views(), corpus.index, query, 20),
              brute_force(corpus.all, corpus.visible, {{"t1", 2}, {"t3", 3}}, 20), "");
}

TEST(SearchSegments, NothingIsFoundForNothing) {
  Rng rng(3);
  Corpus corpus = random_corpus(200, 2, false, 0, rng);
  const std::vector<TermCount> query = {{"t1", 1}};
  EXPECT_TRUE(search_segments(corpus.index.views(), corpus.index, {}, 10).empty());
  EXPECT_TRUE(search_segments(corpus.index.views(), corpus.index, query, 0).empty());
  EXPECT_TRUE(search_segments({}, corpus.index, query, 10).empty());
  EXPECT_TRUE(
      search_segments(corpus.index.views(), corpus.index, std::vector<TermCount>{{"no", 1}}, 10)
          .empty());
  for (MemorySegment& segment : corpus.index.segments) segment.visible.assign(4, 0);
  EXPECT_TRUE(search_segments(corpus.index.views(), corpus.index, query, 10).empty());
  EXPECT_THROW(search_segments(corpus.index.views(), corpus.index, query, 10, {1.2, 1.5}), Error);
}

TEST(SearchSegments, EqualScoresComeByAscendingChunk) {
  // Alternately in two segments: the order must not follow the segments.
  MemoryIndex index;
  std::map<int64_t, Counts> even, odd;
  for (int64_t chunk = 1; chunk <= 5000; ++chunk)
    (chunk % 2 == 0 ? even : odd)[chunk] = {{"a", 1}, {"b", 1}};
  index.segments.push_back(build(even));
  index.segments.push_back(build(odd));
  const std::vector<TermCount> query = {{"a", 1}, {"b", 1}};
  const auto found = search_segments(index.views(), index, query, 7);
  ASSERT_EQ(found.size(), 7u);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].chunk, static_cast<int64_t>(i + 1));
}

TEST(MergeSegments, AMergedIndexIsOneBuiltOfWhatIsVisible) {
  Rng rng(4);
  for (const bool mixed : {false, true}) {
    const Corpus corpus = random_corpus(2000, 5, mixed, 0.2, rng);
    const MemorySegment merged = merge(corpus.index);
    std::map<int64_t, Counts> left;
    for (const int64_t chunk : corpus.visible) left[chunk] = corpus.all.at(chunk);
    const MemorySegment built = build(left);
    EXPECT_EQ(merged.chunks.chunks, built.chunks.chunks);
    EXPECT_EQ(merged.chunks.lengths, built.chunks.lengths);
    EXPECT_EQ(merged.chunks.total_length, built.chunks.total_length);
    ASSERT_EQ(merged.terms.size(), built.terms.size());
    for (const auto& [term, postings] : built.terms) {
      const auto found = merged.terms.find(term);
      ASSERT_NE(found, merged.terms.end()) << term;
      EXPECT_EQ(found->second.chunks, postings.chunks);
      EXPECT_EQ(found->second.bytes, postings.bytes) << term;
    }
    MemoryIndex index;
    index.segments.push_back(merged);
    for (int q = 0; q < 20; ++q) {
      const Counts query = random_query(left, rng);
      expect_same(search_segments(index.views(), index, list(query), 10),
                  brute_force(left, corpus.visible, query, 10), "merged");
    }
  }
}

TEST(MergeSegments, AChunkInTwoSegmentsIsAnError) {
  MemoryIndex index;
  index.segments.push_back(build({{1, {{"a", 1}}}, {2, {{"a", 1}}}}));
  index.segments.push_back(build({{2, {{"b", 1}}}}));
  EXPECT_THROW(merge(index), Error);
  index.segments[0].visible = {1};  // unless one of them is gone
  EXPECT_EQ(merge(index).chunks.chunks, (std::vector<int64_t>{1, 2}));
}

TEST(SegmentChunks, ComeBackAndDamagedOnesAreAnErrorOrHarmless) {
  const SegmentChunks chunks{{0, 1, 7, 1000000, INT64_MAX - 1}, {1, 0, 300, 7, INT32_MAX}, 0};
  const std::string bytes = encode_segment_chunks(chunks);
  const SegmentChunks read = decode_segment_chunks(bytes, "test");
  EXPECT_EQ(read.chunks, chunks.chunks);
  EXPECT_EQ(read.lengths, chunks.lengths);
  EXPECT_EQ(read.total_length, uint64_t{308} + INT32_MAX);
  EXPECT_TRUE(decode_segment_chunks(encode_segment_chunks({}), "test").chunks.empty());
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_THROW(decode_segment_chunks(bytes.substr(0, cut), "test"), Error) << cut;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      const SegmentChunks damaged = decode_segment_chunks(flipped, "test");
      EXPECT_EQ(damaged.chunks.size(), damaged.lengths.size());
      EXPECT_TRUE(std::is_sorted(damaged.chunks.begin(), damaged.chunks.end()));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFile);
    }
  }
}

TEST(SearchSegments, DamagedPostingsAreAnErrorOrHarmless) {
  Rng rng(5);
  Corpus corpus = random_corpus(700, 1, false, 0, rng);
  const std::vector<TermCount> query = {{"t1", 1}, {"t2", 1}, {"t100", 1}};
  auto& terms = corpus.index.segments[0].terms;
  ASSERT_TRUE(terms.contains("t100"));
  for (const char* term : {"t1", "t100"}) {
    const TermPostings whole = terms[term];
    for (size_t bit = 0; bit < whole.bytes.size() * 8; ++bit) {
      terms[term].bytes = whole.bytes;
      char& byte = terms[term].bytes[bit / 8];
      byte = static_cast<char>(byte ^ (1 << (bit % 8)));
      try {
        const auto found = search_segments(corpus.index.views(), corpus.index, query, 5);
        for (const ScoredChunk& chunk : found) EXPECT_TRUE(std::isfinite(chunk.score));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBadFile);
      }
    }
    terms[term] = whole;
  }
}

}  // namespace
}  // namespace onmal
