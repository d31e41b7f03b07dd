#include "tokenizer/bpe_trainer.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "base/error.h"
#include "text/hangul.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr int64_t kWeightUnit = 1000;  // counts are multiplied by a whole number of thousandths

struct Word {
  std::vector<int32_t> symbols;
  int64_t count;
};

bool has_hangul(std::string_view word) {
  for (size_t i = 0; i < word.size();) {
    const Utf8Char c = read_utf8(word, i);
    if (c.valid && is_hangul(c.code)) return true;
    i += c.length;
  }
  return false;
}

// Whole characters, the beginning of one, or bytes that only continue one.
enum class PieceKind : uint8_t { kWhole, kBeginning, kContinuation };

PieceKind kind_of(std::string_view piece) {
  if ((static_cast<uint8_t>(piece[0]) & 0xC0) == 0x80) return PieceKind::kContinuation;
  return incomplete_tail(piece) > 0 ? PieceKind::kBeginning : PieceKind::kWhole;
}

struct PairHash {
  size_t operator()(uint64_t key) const {
    key *= 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key ^ (key >> 31));
  }
};

uint64_t key_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// The merging itself: pair counts, the words each pair occurs in, and a heap of pairs by count.
class Merger {
 public:
  Merger(std::vector<Word> words, std::vector<std::string> pieces, size_t longest_piece,
         int64_t least_count)
      : words_(std::move(words)),
        pieces_(std::move(pieces)),
        longest_piece_(longest_piece),
        least_count_(least_count) {
    for (const std::string& piece : pieces_) kinds_.push_back(kind_of(piece));
    for (size_t w = 0; w < words_.size(); ++w) {
      const std::vector<int32_t>& symbols = words_[w].symbols;
      for (size_t i = 0; i + 1 < symbols.size(); ++i)
        add_pair(symbols[i], symbols[i + 1], words_[w].count, w);
    }
    for (const auto& [key, pair] : pairs_) push(key, pair.count);
  }

  // Merges the most frequent pair (ties: the pair of lower ids); false when none is frequent
  // enough.
  bool merge_next(std::vector<std::pair<int32_t, int32_t>>& merges) {
    while (!heap_.empty()) {
      const Entry top = heap_.top();
      heap_.pop();
      const auto found = pairs_.find(top.key);
      if (found == pairs_.end() || found->second.count != top.count) {
        if (found != pairs_.end() && found->second.count < top.count)
          push(top.key, found->second.count);
        continue;
      }
      if (top.count < least_count_) return false;
      apply(top.key, merges);
      return true;
    }
    return false;
  }

  std::vector<std::string> take_pieces() { return std::move(pieces_); }

 private:
  struct Pair {
    int64_t count = 0;
    std::vector<uint32_t> words;  // may name a word twice or one that lost the pair
  };
  struct Entry {
    int64_t count;
    uint64_t key;
    bool operator<(const Entry& other) const {
      return count != other.count ? count < other.count : key > other.key;
    }
  };

  bool allowed(int32_t left, int32_t right) const {
    const auto l = static_cast<size_t>(left);
    const auto r = static_cast<size_t>(right);
    if (pieces_[l].size() + pieces_[r].size() > longest_piece_) return false;
    if (kinds_[l] == PieceKind::kWhole) return kinds_[r] == PieceKind::kWhole;
    return kinds_[l] == PieceKind::kBeginning && kinds_[r] == PieceKind::kContinuation;
  }

  void push(uint64_t key, int64_t count) {
    if (count >= least_count_) heap_.push({count, key});
  }

  void add_pair(int32_t left, int32_t right, int64_t count, size_t word) {
    if (!allowed(left, right)) return;
    Pair& pair = pairs_[key_of(left, right)];
    pair.count += count;
    if (pair.words.empty() || pair.words.back() != word)
      pair.words.push_back(static_cast<uint32_t>(word));
  }

  void remove_pair(int32_t left, int32_t right, int64_t count) {
    const auto found = pairs_.find(key_of(left, right));
    if (found != pairs_.end()) found->second.count -= count;
  }

  void apply(uint64_t key, std::vector<std::pair<int32_t, int32_t>>& merges) {
    const auto left = static_cast<int32_t>(key >> 32);
    const auto right = static_cast<int32_t>(key & 0xFFFFFFFFU);
    const auto merged = static_cast<int32_t>(pieces_.size());
    pieces_.push_back(pieces_[static_cast<size_t>(left)] + pieces_[static_cast<size_t>(right)]);
    kinds_.push_back(kind_of(pieces_.back()));
    merges.emplace_back(left, right);
    const std::vector<uint32_t> places = std::move(pairs_[key].words);
    pairs_.erase(key);
    touched_.clear();
    for (const uint32_t w : places) merge_in_word(w, left, right, merged);
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const uint64_t grown : touched_) {
      const auto found = pairs_.find(grown);
      if (found != pairs_.end()) push(grown, found->second.count);
    }
  }

  void merge_in_word(uint32_t w, int32_t left, int32_t right, int32_t merged) {
    Word& word = words_[w];
    std::vector<int32_t>& symbols = word.symbols;
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (i + 1 >= symbols.size() || symbols[i] != left || symbols[i + 1] != right) {
        symbols[kept++] = symbols[i];
        continue;
      }
      if (kept > 0) {
        remove_pair(symbols[kept - 1], left, word.count);
        add_pair(symbols[kept - 1], merged, word.count, w);
        touched_.push_back(key_of(symbols[kept - 1], merged));
      }
      if (i + 2 < symbols.size()) {
        remove_pair(right, symbols[i + 2], word.count);
        // In "ababab" the next pair merges too: it is then taken off again as (merged, left).
        add_pair(merged, symbols[i + 2], word.count, w);
        touched_.push_back(key_of(merged, symbols[i + 2]));
      }
      symbols[kept++] = merged;
      ++i;
    }
    symbols.resize(kept);
  }

  std::vector<Word> words_;
  std::vector<std::string> pieces_;
  std::vector<PieceKind> kinds_;
  size_t longest_piece_;
  int64_t least_count_;
  std::unordered_map<uint64_t, Pair, PairHash> pairs_;
  std::priority_queue<Entry> heap_;
  std::vector<uint64_t> touched_;
};

void check_text(std::string_view text, const std::string& where) {
  const auto fail = [&](size_t at, const std::string& what) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw Error(ErrorCode::kBadFile, where,
                what + " at byte " + std::to_string(at) + " (line " + std::to_string(line) + ")",
                "convert the file to UTF-8 text, for example with iconv");
  };
  const size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos) fail(invalid, "not UTF-8");
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) fail(nul, "a NUL byte: this is not text");
}

}  // namespace

BpeTrainer::BpeTrainer(BpeTrainOptions options)
    : options_(std::move(options)), pretokenizer_(options_.pretokenizer) {
  const auto fixed = static_cast<int64_t>(256 + options_.special_tokens.size());
  if (options_.vocab_size < fixed || options_.vocab_size > (int64_t{1} << 22)) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer train",
                "vocabulary size " + std::to_string(options_.vocab_size) + " must be " +
                    std::to_string(fixed) + " (256 bytes and the special tokens) to 4194304");
  }
}

void BpeTrainer::feed(ThreadPool& pool, std::string_view text, const std::string& where) {
  check_text(text, where);
  bytes_ += static_cast<int64_t>(text.size());
  // Cut at newlines that a non-space follows: no pre-tokenizer joins across such a place.
  constexpr size_t kChunk = size_t{4} << 20;
  std::vector<std::string_view> chunks;
  while (!text.empty()) {
    size_t cut = std::min(text.size(), kChunk);
    while (cut < text.size() && !(text[cut - 1] == '\n' && static_cast<uint8_t>(text[cut]) > ' '))
      ++cut;
    chunks.push_back(text.substr(0, cut));
    text.remove_prefix(cut);
  }
  std::vector<Counts> found(chunks.size());
  pool.run(static_cast<int64_t>(chunks.size()), [&](int64_t task, int) {
    const auto c = static_cast<size_t>(task);
    pretokenizer_.split(chunks[c], [&](size_t begin, size_t end) {
      const std::string_view word = chunks[c].substr(begin, end - begin);
      const auto at = found[c].find(word);
      if (at != found[c].end()) {
        ++at->second;
      } else {
        found[c].emplace(word, 1);
      }
    });
  });
  for (Counts& counts : found) {
    for (const auto& [word, count] : counts) counts_[word] += count;
    counts.clear();
  }
}

BpeDefinition BpeTrainer::train(
    std::stop_token stop, const std::function<void(const BpeTrainProgress&)>& progress) const {
  if (counts_.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer train", "the corpus is empty",
                "give files with text");
  }
  // Sorted words: the result must not depend on the order of a hash table.
  std::vector<std::pair<std::string_view, int64_t>> sorted(counts_.begin(), counts_.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<bool> hangul(sorted.size());
  double hangul_bytes = 0;
  double other_bytes = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    hangul[i] = has_hangul(sorted[i].first);
    (hangul[i] ? hangul_bytes : other_bytes) +=
        static_cast<double>(sorted[i].first.size()) * static_cast<double>(sorted[i].second);
  }
  int64_t weights[2] = {kWeightUnit, kWeightUnit};  // others, Hangul
  if (options_.hangul_share > 0 && options_.hangul_share < 1 && hangul_bytes > 0 &&
      other_bytes > 0) {
    const double ratio =
        options_.hangul_share / (1 - options_.hangul_share) * other_bytes / hangul_bytes;
    weights[1] = std::max<int64_t>(1, std::llround(kWeightUnit * std::sqrt(ratio)));
    weights[0] = std::max<int64_t>(1, std::llround(kWeightUnit / std::sqrt(ratio)));
  }
  std::vector<std::string> pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  std::vector<Word> words;
  words.reserve(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    Word word;
    word.count = sorted[i].second * weights[hangul[i] ? 1 : 0];
    for (const char c : sorted[i].first) word.symbols.push_back(static_cast<uint8_t>(c));
    words.push_back(std::move(word));
  }
  Merger merger(std::move(words), std::move(pieces), options_.longest_piece,
                options_.least_count * kWeightUnit);
  const int64_t wanted =
      options_.vocab_size - 256 - static_cast<int64_t>(options_.special_tokens.size());
  BpeDefinition definition;
  while (static_cast<int64_t>(definition.merges.size()) < wanted &&
         merger.merge_next(definition.merges)) {
    const auto done = static_cast<int64_t>(definition.merges.size());
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "tokenizer train", "stopped");
    if (progress && done % 256 == 0) progress({done, wanted});
  }
  definition.pieces = merger.take_pieces();
  definition.pretokenizer = options_.pretokenizer;
  for (const std::string& text : options_.special_tokens) {
    definition.special_ids.push_back(static_cast<int32_t>(definition.pieces.size()));
    if (text == "<|endoftext|>") definition.end_id = definition.special_ids.back();
    if (text == "<|pad|>") definition.pad_id = definition.special_ids.back();
    definition.pieces.push_back(text);
  }
  return definition;
}

}  // namespace onmal
