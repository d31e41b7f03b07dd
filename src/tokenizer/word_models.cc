#include <unordered_map>

#include "text/utf8.h"
#include "tokenizer/marked_space.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/token_trie.h"

namespace onmal {
namespace {

class WordPieceModel : public SubwordModel {
 public:
  explicit WordPieceModel(const SubwordDefinition& definition)
      : unknown_id_(definition.unknown_id), most_characters_(definition.most_characters) {
    for (size_t id = 0; id < definition.texts.size(); ++id)
      trie_.insert(definition.texts[id], static_cast<int32_t>(id));
  }

  void encode(std::string_view word, std::vector<int32_t>& ids) const override {
    if (word.empty()) return;
    const size_t first = ids.size();
    const std::string marked = std::string(kMarkedSpace) + std::string(word);
    bool known = most_characters_ == SIZE_MAX || count_characters(word) <= most_characters_;
    for (size_t at = 0; at < marked.size() && known;) {
      size_t end = at;
      int32_t best = TokenTrie::kNone;
      int32_t node = 0;
      for (size_t i = at; i < marked.size(); ++i) {
        node = trie_.step(node, static_cast<uint8_t>(marked[i]));
        if (node == TokenTrie::kNone) break;
        if (const int32_t id = trie_.value(node); id != TokenTrie::kNone) {
          best = id;
          end = i + 1;
        }
      }
      known = best != TokenTrie::kNone;
      if (known) ids.push_back(best);
      at = end;
    }
    if (known) return;
    ids.resize(first);
    if (unknown_id_ >= 0) ids.push_back(unknown_id_);
  }

 private:
  int32_t unknown_id_;
  size_t most_characters_;
  TokenTrie trie_;
};

class WordModel : public SubwordModel {
 public:
  explicit WordModel(const SubwordDefinition& definition)
      : unknown_id_(definition.unknown_id), fuse_(definition.like_sentencepiece) {
    for (size_t id = 0; id < definition.texts.size(); ++id)
      ids_.emplace(definition.texts[id], static_cast<int32_t>(id));
  }

  void encode(std::string_view word, std::vector<int32_t>& ids) const override {
    const auto found = ids_.find(std::string(word));
    const int32_t id = found == ids_.end() ? unknown_id_ : found->second;
    const bool again = fuse_ && id == unknown_id_ && !ids.empty() && ids.back() == id;
    if (id >= 0 && !again) ids.push_back(id);
  }

 private:
  int32_t unknown_id_;
  bool fuse_;  // one for a run of them
  std::unordered_map<std::string, int32_t> ids_;
};

}  // namespace

std::unique_ptr<SubwordModel> word_piece_model(const SubwordDefinition& definition) {
  return std::make_unique<WordPieceModel>(definition);
}

std::unique_ptr<SubwordModel> word_model(const SubwordDefinition& definition) {
  return std::make_unique<WordModel>(definition);
}

}  // namespace onmal
