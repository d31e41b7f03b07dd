// Exact top-k by MaxScore in windows of chunk numbers: what a window can score at most is known
// from the bounds of its blocks, so windows are looked at from the best on, until none can reach
// the k-th score (Turtle & Flood 1995; Ding & Suel 2011). Within a window the terms with small
// bounds are only looked up for chunks that others have brought near that score.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "base/error.h"
#include "knowledge/lexical/postings.h"
#include "knowledge/lexical/segment.h"

namespace onmal {
namespace {

constexpr size_t kWindow = 2048;  // chunk numbers; their scores stay in the first cache
// Until a chunk may enter the best k, its score is added up in single precision and in any order:
// what rounding may take is given back.
constexpr double kSlack = 1 + 1e-4;

// BM25 of one term: weight tf / (tf + base + per_length * length).
struct Saturation {
  double base = 0;
  double per_length = 0;
  double operator()(double weight, uint32_t count, uint32_t length) const {
    return weight * (count / (count + base + per_length * length));
  }
  // The same of `size` postings in single precision.
  void fill(double weight, const uint32_t* counts, const uint32_t* lengths, size_t size,
            float* scores) const {
    const auto rough_weight = static_cast<float>(weight), rough_base = static_cast<float>(base),
               rough_per_length = static_cast<float>(per_length);
    for (size_t i = 0; i < size; ++i) {
      // Signed numbers convert in one instruction; readers allow no larger ones.
      const auto count = static_cast<float>(static_cast<int32_t>(counts[i]));
      const auto length = static_cast<float>(static_cast<int32_t>(lengths[i]));
      scores[i] = rough_weight * (count / (count + rough_base + rough_per_length * length));
    }
  }
};

struct WeightedTerm {
  std::string text;
  double weight = 0;
  int64_t chunks = 0;
};

// One term's postings in one segment, with one block of them unpacked.
class TermCursor {
 public:
  TermCursor(TermPostings postings, const SegmentView& segment, const Saturation& saturation,
             double weight)
      : postings_(std::move(postings)),
        where_("segment " + std::to_string(segment.id) + ", term " + postings_.term),
        reader_(postings_.bytes, segment.chunks->chunks.size(), where_),
        lengths_(segment.chunks->lengths),
        saturation_(saturation),
        weight_(weight) {
    for (size_t i = 0; i < reader_.blocks(); ++i) {
      double best = 0;
      for (const PostingsBound& bound : reader_.bounds(i))
        best = std::max(best, saturation_(weight, bound.count, bound.length));
      block_bounds_.push_back(best);
    }
    if (reader_.size() < kPostingsBlock) {
      load(0);
      for (size_t i = 0; i < loaded_size_; ++i)
        block_bounds_[0] = std::max(block_bounds_[0], score_at(i));
    }
  }
  TermCursor(const TermCursor&) = delete;

  int64_t size() const { return static_cast<int64_t>(reader_.size()); }

  // Raises bounds[w] to what the term can add to a chunk of window w.
  void raise_bounds(std::span<double> bounds) {
    for (size_t i = 0; i < (is_loose() ? loaded_size_ : reader_.blocks()); ++i) {
      const size_t first =
          is_loose() ? numbers_[i] : (i == 0 ? 0 : size_t{reader_.last_number(i - 1)} + 1);
      const size_t last = is_loose() ? numbers_[i] : reader_.last_number(i);
      const double bound = is_loose() ? score_at(i) : block_bounds_[i];
      for (size_t window = first / kWindow; window <= last / kWindow; ++window)
        bounds[window] = std::max(bounds[window], bound);
    }
  }

  // What the term can add to a chunk of [begin, end).
  double bound(uint32_t begin, uint32_t end) const {
    double best = 0;
    if (is_loose()) {
      for (size_t i = position(begin); i < loaded_size_ && numbers_[i] < end; ++i)
        best = std::max(best, score_at(i));
      return best;
    }
    for (size_t i = reader_.find_block(begin); i < reader_.blocks(); ++i) {
      best = std::max(best, block_bounds_[i]);
      if (reader_.last_number(i) + 1 >= end) break;
    }
    return best;
  }

  // Adds the scores of the chunks of [begin, begin + kWindow) to `scores`; blocks whose bound
  // `worth` denies are left out.
  void add_scores(uint32_t begin, std::span<float, kWindow> scores,
                  FunctionRef<bool(double)> worth) {
    const uint64_t end = uint64_t{begin} + kWindow;
    for (size_t block = reader_.find_block(begin); block < reader_.blocks(); ++block) {
      if (block > 0 && uint64_t{reader_.last_number(block - 1)} + 1 >= end) break;
      if (!worth(block_bounds_[block])) continue;
      load(block);
      const size_t first = position(begin);
      const size_t last =
          reader_.last_number(block) < end ? loaded_size_ : position(static_cast<uint32_t>(end));
      score_roughly(first, last);
      for (size_t i = first; i < last; ++i) scores[numbers_[i] - begin] += rough_scores_[i];
    }
  }

  // The bound of the block that would hold the chunk, 0 without one. `number` must not fall between
  // calls that pass the same `block` on.
  double block_bound(uint32_t number, size_t& block) const {
    if (block < reader_.blocks() && reader_.last_number(block) < number)
      block = reader_.find_block(number, block);
    return block < reader_.blocks() ? block_bounds_[block] : 0;
  }

  // The chunk's score for the term, `block` being where block_bound looked for it.
  double score(uint32_t number, size_t block) {
    if (block >= reader_.blocks()) return 0;
    load(block);
    const size_t at = position(number);
    return at < loaded_size_ && numbers_[at] == number ? score_at(at) : 0;
  }

 private:
  bool is_loose() const { return reader_.size() < kPostingsBlock; }
  double score_at(size_t i) const {
    return saturation_(weight_, counts_[i], lengths_[numbers_[i]]);
  }
  // In the loaded block: of the first number that is not below.
  size_t position(uint32_t number) const {
    const auto end = numbers_.begin() + static_cast<std::ptrdiff_t>(loaded_size_);
    return static_cast<size_t>(std::lower_bound(numbers_.begin(), end, number) - numbers_.begin());
  }
  void load(size_t block) {
    if (loaded_ == block) return;
    loaded_ = std::numeric_limits<size_t>::max();
    loaded_size_ = reader_.read(block, numbers_, counts_);
    loaded_ = block;
  }

  void score_roughly(size_t first, size_t last) {
    std::array<uint32_t, kPostingsBlock> lengths;
    for (size_t i = first; i < last; ++i) lengths[i] = lengths_[numbers_[i]];
    saturation_.fill(weight_, counts_.data() + first, lengths.data() + first, last - first,
                     rough_scores_.data() + first);
  }

  TermPostings postings_;
  std::string where_;
  PostingsReader reader_;
  const std::vector<uint32_t>& lengths_;
  Saturation saturation_;
  double weight_;
  std::vector<double> block_bounds_;
  size_t loaded_ = std::numeric_limits<size_t>::max();
  size_t loaded_size_ = 0;
  std::array<uint32_t, kPostingsBlock> numbers_, counts_;
  std::array<float, kPostingsBlock> rough_scores_;
};

bool is_better(const ScoredChunk& a, const ScoredChunk& b) {
  return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
}

// The best k so far, the worst of them in front.
class BestHits {
 public:
  explicit BestHits(size_t k) : k_(k) {}
  // Whether a chunk that scores at most `bound` might still be one of them.
  bool may_enter(double bound) const {
    return heap_.size() < k_ || bound * kSlack >= heap_.front().score;
  }
  // Somewhat less than that takes.
  double least() const {
    return heap_.size() < k_ ? 0 : heap_.front().score * (1 - 2 * (kSlack - 1));
  }
  void add(const ScoredChunk& chunk) {
    if (heap_.size() == k_) {
      if (!is_better(chunk, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), is_better);
      heap_.pop_back();
    }
    heap_.push_back(chunk);
    std::push_heap(heap_.begin(), heap_.end(), is_better);
  }
  std::vector<ScoredChunk> sorted() && {
    std::sort_heap(heap_.begin(), heap_.end(), is_better);
    return std::move(heap_);
  }

 private:
  size_t k_;
  std::vector<ScoredChunk> heap_;
};

// Terms that some chunk of the segment holds, in the query's order.
struct SegmentTerms {
  const SegmentView* segment = nullptr;
  std::vector<std::unique_ptr<TermCursor>> cursors;
};

class WindowSearch {
 public:
  explicit WindowSearch(BestHits& best) : best_(best) {}

  void search(const SegmentTerms& terms, size_t window) {
    const auto begin = static_cast<uint32_t>(window * kWindow);
    choose_terms(terms, begin);
    if (!best_.may_enter(total_)) return;
    scores_.fill(0);
    for (size_t i = lookups_; i < active_.size(); ++i) {
      const double others = total_ - active_[i].bound;
      active_[i].cursor->add_scores(begin, scores_,
                                    [&](double bound) { return best_.may_enter(bound + others); });
    }
    collect(*terms.segment, begin);
    for (size_t i = lookups_; i-- > 0;) look_up(active_[i]);
    // The sum in the query's order: equal chunks score equally wherever they stand.
    places_.assign(terms.cursors.size(), 0);
    for (const Candidate& candidate : candidates_) {
      double score = 0;
      for (size_t i = 0; i < terms.cursors.size(); ++i) {
        TermCursor& cursor = *terms.cursors[i];
        if (cursor.block_bound(candidate.number, places_[i]) > 0)
          score += cursor.score(candidate.number, places_[i]);
      }
      if (score > 0) best_.add({terms.segment->chunks->chunks[candidate.number], score});
    }
  }

 private:
  struct Active {
    TermCursor* cursor = nullptr;
    double bound = 0;
    double below = 0;  // the bounds of all before, together
  };
  struct Candidate {
    uint32_t number = 0;
    double score = 0;
  };

  void choose_terms(const SegmentTerms& terms, uint32_t begin) {
    active_.clear();
    total_ = 0;
    for (const auto& cursor : terms.cursors) {
      const double bound = cursor->bound(begin, begin + static_cast<uint32_t>(kWindow));
      if (bound > 0) active_.push_back({cursor.get(), bound});
    }
    std::stable_sort(active_.begin(), active_.end(),
                     [](const Active& a, const Active& b) { return a.bound < b.bound; });
    lookups_ = 0;
    for (size_t i = 0; i < active_.size(); ++i) {
      active_[i].below = total_;
      total_ += active_[i].bound;
      if (!best_.may_enter(total_)) lookups_ = i + 1;
    }
  }

  void collect(const SegmentView& segment, uint32_t begin) {
    candidates_.clear();
    const double rest =
        lookups_ > 0 ? active_[lookups_ - 1].below + active_[lookups_ - 1].bound : 0;
    const auto least = static_cast<float>(best_.least() - rest);
    for (size_t i = 0; i < kWindow; ++i) {
      if (scores_[i] < least || scores_[i] <= 0) continue;
      const size_t at = begin + i;
      if (segment.is_visible(at) && best_.may_enter(scores_[i] + rest))
        candidates_.push_back({static_cast<uint32_t>(at), scores_[i]});
    }
  }

  // Adds one more term to the candidates and keeps those that may still enter.
  void look_up(const Active& term) {
    size_t block = 0, kept = 0;
    for (Candidate& candidate : candidates_) {
      const double bound = term.cursor->block_bound(candidate.number, block);
      if (!best_.may_enter(candidate.score + bound + term.below)) continue;
      candidate.score += term.cursor->score(candidate.number, block);
      if (best_.may_enter(candidate.score + term.below)) candidates_[kept++] = candidate;
    }
    candidates_.resize(kept);
  }

  BestHits& best_;
  double total_ = 0;
  size_t lookups_ = 0;  // the first so many terms cannot bring a chunk in by themselves
  std::vector<Active> active_;
  std::vector<Candidate> candidates_;
  std::vector<size_t> places_;
  std::array<float, kWindow> scores_;
};

struct Window {
  double bound = 0;
  size_t segment = 0, window = 0;
};

std::vector<WeightedTerm> merge_terms(std::span<const TermCount> query) {
  std::vector<WeightedTerm> terms;
  for (const TermCount& term : query)
    terms.push_back({term.term, static_cast<double>(term.count), 0});
  std::stable_sort(terms.begin(), terms.end(),
                   [](const WeightedTerm& a, const WeightedTerm& b) { return a.text < b.text; });
  size_t kept = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (kept > 0 && terms[kept - 1].text == terms[i].text)
      terms[kept - 1].weight += terms[i].weight;
    else if (kept++ != i)
      terms[kept - 1] = std::move(terms[i]);
  }
  terms.resize(kept);
  return terms;
}

double idf(const WeightedTerm& term, double chunks) {
  const auto holding = std::min(chunks, static_cast<double>(term.chunks));
  return std::log(1 + (chunks - holding + 0.5) / (holding + 0.5));
}

// Reads the postings of all terms and weighs the terms by them; `possible` as search_segments().
std::vector<SegmentTerms> open_terms(std::span<const SegmentView> segments,
                                     const PostingsSource& source, std::vector<WeightedTerm> terms,
                                     const Bm25Options& options, double* possible) {
  double chunks = 0, total_length = 0;
  for (const SegmentView& segment : segments) {
    ONMAL_ASSERT(segment.chunks->lengths.size() == segment.chunks->chunks.size());
    chunks += static_cast<double>(segment.chunks->chunks.size());
    total_length += static_cast<double>(segment.chunks->total_length);
  }
  const double mean_length = total_length > 0 ? total_length / chunks : 1;
  const Saturation saturation{options.k1 * (1 - options.b), options.k1 * options.b / mean_length};
  std::vector<std::vector<std::optional<TermPostings>>> found(segments.size());
  for (size_t s = 0; s < segments.size(); ++s) {
    for (WeightedTerm& term : terms) {
      TermPostings postings;
      const bool here = source.find(segments[s].id, term.text, postings);
      postings.term = term.text;
      if (here) term.chunks += postings.chunks;
      found[s].push_back(here ? std::optional(std::move(postings)) : std::nullopt);
    }
  }
  if (possible != nullptr) {
    *possible = 0;
    for (const WeightedTerm& term : terms)
      *possible += term.weight * idf(term, chunks) * (options.k1 + 1);
  }
  std::vector<SegmentTerms> opened;
  for (size_t s = 0; s < segments.size(); ++s) {
    SegmentTerms& here = opened.emplace_back();
    here.segment = &segments[s];
    for (size_t t = 0; t < terms.size(); ++t) {
      if (!found[s][t]) continue;
      here.cursors.push_back(
          std::make_unique<TermCursor>(std::move(*found[s][t]), segments[s], saturation,
                                       terms[t].weight * idf(terms[t], chunks) * (options.k1 + 1)));
    }
  }
  return opened;
}

bool any_visible(std::span<const uint64_t> visible, size_t window) {
  constexpr size_t kWords = kWindow / 64;
  const size_t begin = std::min(visible.size(), window * kWords);
  const auto words = visible.subspan(begin, std::min(kWords, visible.size() - begin));
  return std::any_of(words.begin(), words.end(), [](uint64_t word) { return word != 0; });
}

std::vector<Window> rank_windows(std::span<const SegmentTerms> opened) {
  std::vector<Window> windows;
  for (size_t s = 0; s < opened.size(); ++s) {
    const SegmentTerms& terms = opened[s];
    const size_t count = (terms.segment->chunks->chunks.size() + kWindow - 1) / kWindow;
    std::vector<double> bounds(count), of_term(count);
    for (const auto& cursor : terms.cursors) {
      std::fill(of_term.begin(), of_term.end(), 0.0);
      cursor->raise_bounds(of_term);
      for (size_t w = 0; w < count; ++w) bounds[w] += of_term[w];
    }
    for (size_t w = 0; w < count; ++w) {
      if (bounds[w] > 0 && any_visible(terms.segment->visible, w))
        windows.push_back({bounds[w], s, w});
    }
  }
  std::stable_sort(windows.begin(), windows.end(),
                   [](const Window& a, const Window& b) { return a.bound > b.bound; });
  return windows;
}

}  // namespace

std::vector<ScoredChunk> search_segments(std::span<const SegmentView> segments,
                                         const PostingsSource& source,
                                         std::span<const TermCount> query, int64_t k,
                                         const Bm25Options& options, double* possible) {
  if (possible != nullptr) *possible = 0;
  if (!(options.k1 >= 0 && std::isfinite(options.k1) && options.b >= 0 && options.b <= 1))
    throw Error(ErrorCode::kInvalidArgument, "search",
                "BM25 needs k1 of 0 or more and b from 0 to 1");
  if (k <= 0 || query.empty()) return {};
  const std::vector<SegmentTerms> opened =
      open_terms(segments, source, merge_terms(query), options, possible);
  BestHits best(static_cast<size_t>(k));
  const auto search = std::make_unique<WindowSearch>(best);
  for (const Window& window : rank_windows(opened)) {
    if (!best.may_enter(window.bound)) break;
    search->search(opened[window.segment], window.window);
  }
  return std::move(best).sorted();
}

}  // namespace onmal
