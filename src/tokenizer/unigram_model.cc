#include <algorithm>
#include <limits>

#include "text/utf8.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/token_trie.h"
#include "tokenizer/unknown_text.h"

namespace onmal {
namespace {

constexpr double kUnknownPenalty = 10.0;

class UnigramModel : public SubwordModel {
 public:
  explicit UnigramModel(const SubwordDefinition& definition)
      : scores_(definition.scores),
        single_precision_(definition.single_precision),
        unknown_id_(definition.unknown_id),
        unknown_(definition) {
    double least = std::numeric_limits<double>::infinity();
    double most = -std::numeric_limits<double>::infinity();
    for (size_t id = 0; id < definition.texts.size(); ++id) {
      if (kind_of(definition, id) != TokenKind::kNormal || definition.texts[id].empty()) continue;
      least = std::min(least, scores_[id]);
      most = std::max(most, scores_[id]);
    }
    if (least > most) least = most = 0.0;
    unknown_score_ = rounded(least - kUnknownPenalty);
    for (size_t id = 0; id < definition.texts.size(); ++id) {
      const TokenKind kind = kind_of(definition, id);
      if (kind == TokenKind::kUserDefined) {
        const auto length = static_cast<double>(count_characters(definition.texts[id]));
        scores_[id] = definition.like_sentencepiece ? rounded(length * most - 0.1) : 0.0;
      }
      if (kind == TokenKind::kNormal || kind == TokenKind::kUserDefined ||
          kind == TokenKind::kUnused)
        trie_.insert(definition.texts[id], static_cast<int32_t>(id));
    }
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    if (text.empty()) return;
    std::vector<Best> best(text.size() + 1);
    best[0].score = 0.0;
    for (size_t at = 0; at < text.size();) {
      const size_t character = read_utf8(text, at).length;
      bool has_single = false;
      int32_t node = 0;
      for (size_t end = at; end < text.size();) {
        node = trie_.step(node, static_cast<uint8_t>(text[end]));
        if (node == TokenTrie::kNone) break;
        ++end;
        const int32_t id = trie_.value(node);
        if (id == TokenTrie::kNone) continue;
        has_single = has_single || end - at == character;
        offer(best, at, end, id, scores_[static_cast<size_t>(id)]);
      }
      if (!has_single) offer(best, at, at + character, unknown_id_, unknown_score_);
      at += character;
    }
    append_path(text, best, ids);
  }

 private:
  struct Best {
    double score = -std::numeric_limits<double>::infinity();
    size_t begin = 0;  // of the last token
    int32_t id = -1;
  };

  static TokenKind kind_of(const SubwordDefinition& definition, size_t id) {
    return definition.all_normal ? TokenKind::kNormal : definition.kinds[id];
  }

  double rounded(double value) const {
    return single_precision_ ? static_cast<double>(static_cast<float>(value)) : value;
  }

  void offer(std::vector<Best>& best, size_t begin, size_t end, int32_t id, double score) const {
    const double total = rounded(best[begin].score + score);
    if (total > best[end].score) best[end] = {total, begin, id};
  }

  void append_path(std::string_view text, const std::vector<Best>& best,
                   std::vector<int32_t>& ids) const {
    std::vector<size_t> ends;
    for (size_t end = text.size(); end > 0; end = best[end].begin) ends.push_back(end);
    const size_t first = ids.size();
    for (size_t i = ends.size(); i-- > 0;) {
      const Best& last = best[ends[i]];
      if (last.id == unknown_id_) {
        unknown_.append(text.substr(last.begin, ends[i] - last.begin), first, ids);
      } else {
        ids.push_back(last.id);
      }
    }
  }

  std::vector<double> scores_;
  bool single_precision_;
  int32_t unknown_id_;
  double unknown_score_ = 0.0;
  TokenTrie trie_;
  UnknownText unknown_;
};

}  // namespace

std::unique_ptr<SubwordModel> unigram_model(const SubwordDefinition& definition) {
  return std::make_unique<UnigramModel>(definition);
}

}  // namespace onmal
