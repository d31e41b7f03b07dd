#include "infer/vocabulary_trie.h"

#include <algorithm>
#include <utility>

namespace onmal {

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer, int64_t vocab_size)
    : vocab_size_(vocab_size) {
  std::vector<std::pair<std::string_view, int32_t>> tokens;
  for (int32_t id = 0; id < vocab_size; ++id) {
    if (tokenizer.is_special(id)) {
      special_.push_back(id);
      continue;
    }
    const std::string_view text = tokenizer.piece(id);
    if (!text.empty()) tokens.emplace_back(text, id);
  }
  std::sort(tokens.begin(), tokens.end());
  std::vector<int32_t> path;  // nodes from the root to the last one
  std::string_view last;
  const auto close = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back())
      nodes_[static_cast<size_t>(path.back())].end = static_cast<int32_t>(nodes_.size());
  };
  for (const auto& [text, id] : tokens) {
    const auto common = static_cast<size_t>(
        std::mismatch(last.begin(), last.end(), text.begin(), text.end()).first - last.begin());
    close(common);
    for (size_t depth = common; depth < text.size(); ++depth) {
      path.push_back(static_cast<int32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<int32_t>(ids_.size()), static_cast<int32_t>(depth),
                        static_cast<uint8_t>(text[depth])});
    }
    ids_.push_back(id);
    longest_ = std::max(longest_, static_cast<int64_t>(text.size()));
    last = text;
  }
  close(0);
  nodes_.push_back({static_cast<int32_t>(nodes_.size()), static_cast<int32_t>(ids_.size()), 0, 0});
}

int32_t VocabularyTrie::longest_match(std::string_view text) const {
  int32_t best = -1;
  int32_t at = 0;
  auto end = static_cast<int32_t>(nodes().size());
  for (const char c : text) {
    while (at < end && nodes_[static_cast<size_t>(at)].byte != static_cast<uint8_t>(c))
      at = nodes_[static_cast<size_t>(at)].end;
    if (at >= end) break;
    const std::span<const int32_t> ids = tokens_at(at);
    if (!ids.empty()) best = ids[0];
    end = nodes_[static_cast<size_t>(at)].end;
    ++at;
  }
  return best;
}

}  // namespace onmal
