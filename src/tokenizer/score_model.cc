#include <limits>
#include <queue>
#include <tuple>
#include <unordered_map>

#include "text/utf8.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/token_trie.h"
#include "tokenizer/unknown_text.h"

namespace onmal {
namespace {

constexpr uint32_t kNone = ~uint32_t{0};

struct Scored {
  double score;
  uint32_t left, right;
  uint32_t size;  // of both in bytes: a stale candidate has another
  bool operator<(const Scored& other) const {
    return std::tie(score, other.left) < std::tie(other.score, left);
  }
};

struct Symbol {
  uint32_t begin, size;
  uint32_t previous, next;
  bool frozen;  // a user-defined token: never joined
};

class ScoreModel : public SubwordModel {
 public:
  explicit ScoreModel(const SubwordDefinition& definition)
      : texts_(definition.texts),
        taken_apart_(definition.like_sentencepiece),
        unknown_(definition) {
    for (size_t id = 0; id < texts_.size(); ++id) {
      const TokenKind kind = definition.kinds[id];
      const std::string& text = texts_[id];
      const bool is_text = kind == TokenKind::kNormal || kind == TokenKind::kUserDefined ||
                           kind == TokenKind::kUnused || !definition.like_sentencepiece;
      if (text.empty() || !is_text) continue;
      longest_ = std::max(longest_, text.size());
      const double score = id < definition.scores.size() ? definition.scores[id] : 0.0;
      ids_.emplace(text, Entry{static_cast<int32_t>(id), score, kind});
      if (kind == TokenKind::kUserDefined && definition.like_sentencepiece)
        user_defined_.insert(text, static_cast<int32_t>(id));
    }
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    std::vector<Symbol> symbols = first_symbols(text);
    if (symbols.empty()) return;
    std::vector<Scored> storage;
    storage.reserve(symbols.size());
    std::priority_queue<Scored> queue(std::less<Scored>(), std::move(storage));
    Origins origins;
    const auto consider = [&](uint32_t left, uint32_t right) {
      if (left == kNone || right == kNone || symbols[left].frozen || symbols[right].frozen) return;
      const uint32_t size = symbols[left].size + symbols[right].size;
      if (size > longest_) return;
      const std::string_view joined = text.substr(symbols[left].begin, size);
      const auto found = ids_.find(joined);
      if (found == ids_.end()) return;
      queue.push({found->second.score, left, right, size});
      if (found->second.kind == TokenKind::kUnused && taken_apart_)
        origins.insert_or_assign(joined, symbols[left].size);
    };
    for (uint32_t i = 0; i + 1 < symbols.size(); ++i) consider(i, i + 1);
    while (!queue.empty()) {
      const Scored best = queue.top();
      queue.pop();
      Symbol& left = symbols[best.left];
      Symbol& right = symbols[best.right];
      if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) continue;
      left.size = best.size;
      right.size = 0;
      left.next = right.next;
      if (left.next != kNone) symbols[left.next].previous = best.left;
      consider(left.previous, best.left);
      consider(best.left, left.next);
    }
    const size_t first = ids.size();
    for (uint32_t i = 0; i != kNone; i = symbols[i].next)
      append(text.substr(symbols[i].begin, symbols[i].size), origins, first, ids);
  }

 private:
  struct Entry {
    int32_t id;
    double score;
    TokenKind kind;
  };
  // Unused tokens met in a text -> bytes of the left of the two they were joined from.
  using Origins = std::unordered_map<std::string_view, uint32_t>;

  std::vector<Symbol> first_symbols(std::string_view text) const {
    std::vector<Symbol> symbols;
    symbols.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      size_t size = 0;
      int32_t node = user_defined_.empty() ? TokenTrie::kNone : 0;
      for (size_t i = at; i < text.size() && node != TokenTrie::kNone; ++i) {
        node = user_defined_.step(node, static_cast<uint8_t>(text[i]));
        if (node != TokenTrie::kNone && user_defined_.value(node) != TokenTrie::kNone)
          size = i + 1 - at;
      }
      const bool frozen = size > 0;
      if (!frozen) size = read_utf8(text, at).length;
      const auto index = static_cast<uint32_t>(symbols.size());
      symbols.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(size),
                         index == 0 ? kNone : index - 1, index + 1, frozen});
      at += size;
    }
    if (!symbols.empty()) symbols.back().next = kNone;
    return symbols;
  }

  void append(std::string_view text, const Origins& origins, size_t first,
              std::vector<int32_t>& ids) const {
    const auto found = ids_.find(text);
    if (found == ids_.end()) return unknown_.append(text, first, ids);
    const auto origin = origins.find(text);
    if (found->second.kind == TokenKind::kUnused && origin != origins.end()) {
      append(text.substr(0, origin->second), origins, first, ids);
      append(text.substr(origin->second), origins, first, ids);
      return;
    }
    ids.push_back(found->second.id);
  }

  std::vector<std::string> texts_;
  bool taken_apart_;  // unused tokens are
  std::unordered_map<std::string_view, Entry> ids_;
  TokenTrie user_defined_;
  size_t longest_ = 0;
  UnknownText unknown_;
};

}  // namespace

std::unique_ptr<SubwordModel> score_model(const SubwordDefinition& definition) {
  return std::make_unique<ScoreModel>(definition);
}

}  // namespace onmal
