#include "tokenizer/token_trie.h"

#include <utility>

namespace onmal {

int32_t TokenTrie::add_edge(int32_t node, uint8_t byte) {
  const auto next = static_cast<int32_t>(values_.size());
  values_.push_back(kNone);
  if (node == 0) return first_[byte] = next;
  if (2 * (edge_count_ + 1) > edges_.size()) {
    std::vector<Edge> old(edges_.size() * 2);
    std::swap(old, edges_);
    for (const Edge& edge : old) {
      if (edge.from == kNone) continue;
      size_t at = slot_of(edge.from, edge.byte);
      while (edges_[at].from != kNone) at = (at + 1) & (edges_.size() - 1);
      edges_[at] = edge;
    }
  }
  size_t at = slot_of(node, byte);
  while (edges_[at].from != kNone) at = (at + 1) & (edges_.size() - 1);
  edges_[at] = {node, next, byte};
  ++edge_count_;
  return next;
}

void TokenTrie::insert(std::string_view text, int32_t value) {
  if (text.empty()) return;
  int32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    const int32_t next = step(node, byte);
    node = next != kNone ? next : add_edge(node, byte);
  }
  int32_t& place = values_[static_cast<size_t>(node)];
  if (place == kNone) place = value;
}

int32_t TokenTrie::find(std::string_view text) const {
  int32_t node = 0;
  for (const char c : text) {
    node = step(node, static_cast<uint8_t>(c));
    if (node == kNone) return kNone;
  }
  return node == 0 ? kNone : value(node);
}

}  // namespace onmal
