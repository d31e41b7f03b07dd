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

// Spaces that stand between words or in front of one, and one more: what limits how many words a
// piece joins.
int64_t words_in(std::string_view piece) {
  int64_t words = 1;
  for (size_t i = 1; i < piece.size(); ++i) words += piece[i] == ' ' && piece[i - 1] != ' ' ? 1 : 0;
  return words;
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
  struct Limits {
    size_t longest_piece;
    int64_t least_count;
    int64_t most_words;
  };

  Merger(std::vector<Word> words, std::vector<std::string> pieces, const Limits& limits)
      : words_(std::move(words)), pieces_(std::move(pieces)), limits_(limits) {
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
      if (top.count < limits_.least_count) return false;
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
    if (pieces_[l].size() + pieces_[r].size() > limits_.longest_piece) return false;
    if (kinds_[l] == PieceKind::kWhole) {
      return kinds_[r] == PieceKind::kWhole &&
             words_in(pieces_[l]) + words_in(pieces_[r]) <= limits_.most_words + 1;
    }
    return kinds_[l] == PieceKind::kBeginning && kinds_[r] == PieceKind::kContinuation;
  }

  void push(uint64_t key, int64_t count) {
    if (count >= limits_.least_count) heap_.push({count, key});
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
  Limits limits_;
  std::unordered_map<uint64_t, Pair, PairHash> pairs_;
  std::priority_queue<Entry> heap_;
  std::vector<uint64_t> touched_;
};

// Weights of words without and with Hangul, in thousandths.
struct Weights {
  int64_t plain = kWeightUnit;
  int64_t hangul = kWeightUnit;
};

template <typename Counts>
Weights balance(const Counts& counts, double hangul_share) {
  if (hangul_share <= 0 || hangul_share >= 1) return {};
  double hangul_bytes = 0;
  double plain_bytes = 0;
  for (const auto& [word, count] : counts) {
    (has_hangul(word) ? hangul_bytes : plain_bytes) +=
        static_cast<double>(word.size()) * static_cast<double>(count);
  }
  if (hangul_bytes == 0 || plain_bytes == 0) return {};
  const double ratio = hangul_share / (1 - hangul_share) * plain_bytes / hangul_bytes;
  return {std::max<int64_t>(1, std::llround(kWeightUnit / std::sqrt(ratio))),
          std::max<int64_t>(1, std::llround(kWeightUnit * std::sqrt(ratio)))};
}

// Sorted, so that the result does not depend on the order of a hash table; bytes as symbols, merged
// by `table` if given.
template <typename Counts>
std::vector<Word> as_words(const Counts& counts, const Weights& weights, const MergeTable* table) {
  std::vector<std::pair<std::string_view, int64_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<Word> words;
  words.reserve(sorted.size());
  for (const auto& [text, count] : sorted) {
    Word word;
    word.count = count * (has_hangul(text) ? weights.hangul : weights.plain);
    for (const char c : text) word.symbols.push_back(static_cast<uint8_t>(c));
    if (table != nullptr) apply_merges(*table, word.symbols);
    words.push_back(std::move(word));
  }
  return words;
}

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
    : options_(std::move(options)),
      two_stages_(options_.pretokenizer == "superbpe"),
      pretokenizer_(two_stages_ ? "llama-bpe" : options_.pretokenizer) {
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
  count_words(pool, text);
  if (two_stages_) count_phrases(text);
}

void BpeTrainer::count_words(ThreadPool& pool, std::string_view text) {
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
    for (const auto& [word, count] : counts) words_[word] += count;
    counts.clear();
  }
}

// Phrases end behind sentence marks, at digits, brackets, quotes, other ASCII signs and line ends.
void BpeTrainer::count_phrases(std::string_view text) {
  const auto stays = [](char c) {
    return static_cast<uint8_t>(c) >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == ' ' || c == '\'' || c == ',' || c == '-';
  };
  for (size_t begin = 0; begin < text.size() && phrase_bytes_ < options_.phrase_bytes;) {
    size_t end = begin;
    while (end < text.size() && stays(text[end])) ++end;
    const bool mark =
        end < text.size() && (text[end] == '.' || text[end] == '!' || text[end] == '?');
    const std::string_view phrase = text.substr(begin, end - begin + (mark ? 1 : 0));
    if (phrase.find(' ', 1) != std::string_view::npos) {
      phrases_[std::string(phrase)] += 1;
      phrase_bytes_ += static_cast<int64_t>(phrase.size());
    }
    begin = end + 1;
  }
}

BpeDefinition BpeTrainer::train(
    std::stop_token stop, const std::function<void(const BpeTrainProgress&)>& progress) const {
  if (words_.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer train", "the corpus is empty",
                "give files with text");
  }
  const int64_t wanted =
      options_.vocab_size - 256 - static_cast<int64_t>(options_.special_tokens.size());
  BpeDefinition definition;
  for (int byte = 0; byte < 256; ++byte) definition.pieces.emplace_back(1, static_cast<char>(byte));
  const auto run_stage = [&](std::vector<Word> words, int64_t until) {
    Merger merger(
        std::move(words), std::move(definition.pieces),
        {options_.longest_piece, options_.least_count * kWeightUnit, options_.most_words});
    while (static_cast<int64_t>(definition.merges.size()) < until &&
           merger.merge_next(definition.merges)) {
      const auto done = static_cast<int64_t>(definition.merges.size());
      if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "tokenizer train", "stopped");
      if (progress && done % 256 == 0) progress({done, wanted});
    }
    definition.pieces = merger.take_pieces();
  };
  const Weights weights = balance(words_, options_.hangul_share);
  const auto first = two_stages_
                         ? static_cast<int64_t>(options_.word_stage * static_cast<double>(wanted))
                         : wanted;
  run_stage(as_words(words_, weights, nullptr), first);
  if (two_stages_) {
    MergeTable table(definition.merges.size());
    int32_t rank = 0;
    for (const auto& [left, right] : definition.merges) {
      table.insert(left, right, {rank, 256 + rank});
      ++rank;
    }
    run_stage(as_words(phrases_, weights, &table), wanted);
  }
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
