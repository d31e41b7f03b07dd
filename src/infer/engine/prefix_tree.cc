#include "infer/engine/prefix_tree.h"

#include <algorithm>
#include <utility>

namespace onmal {
namespace {

constexpr auto kPage = static_cast<size_t>(kPageTokens);

// How many tokens both begin with.
size_t common(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

}  // namespace

PrefixTree::~PrefixTree() {
  for (const auto& node : nodes_) pool_.drop(node->page);
}

PrefixTree::Node* PrefixTree::full_child(const Node* node, std::span<const int32_t> tokens) const {
  for (Node* child : children_of(node)) {
    if (child->tokens.size() == kPage && common(child->tokens, tokens) == kPage) return child;
  }
  return nullptr;
}

PrefixTree::Match PrefixTree::find(std::span<const int32_t> ids) {
  Match match;
  Node* node = nullptr;
  ++clock_;
  while (ids.size() >= kPage) {
    Node* child = full_child(node, ids.first(kPage));
    if (child == nullptr) break;
    child->last_used = clock_;
    match.pages.push_back(child->page);
    node = child;
    ids = ids.subspan(kPage);
  }
  Node* best = nullptr;
  for (Node* child : children_of(node)) {
    const auto tokens = static_cast<int64_t>(common(child->tokens, ids));
    if (tokens <= match.part_tokens) continue;
    best = child;
    match.part_tokens = tokens;
  }
  if (best == nullptr) return match;
  best->last_used = clock_;
  match.part = best->page;
  return match;
}

PrefixTree::Count PrefixTree::count(std::span<const int32_t> ids) const {
  Count found;
  const Node* node = nullptr;
  for (; ids.size() >= kPage; ids = ids.subspan(kPage)) {
    node = full_child(node, ids.first(kPage));
    if (node == nullptr) break;
    ++found.pages;
    if (pool_.users(node->page) == 1) ++found.unused;
  }
  return found;
}

void PrefixTree::insert(std::span<const int32_t> ids, std::span<const int32_t> pages) {
  Node* node = nullptr;
  ++clock_;
  for (const int32_t page : pages) {
    if (ids.empty()) return;
    const std::span<const int32_t> tokens = ids.first(std::min(kPage, ids.size()));
    ids = ids.subspan(tokens.size());
    Node* same = nullptr;     // has all these tokens
    Node* shorter = nullptr;  // has some of them and no others
    for (Node* child : children_of(node)) {
      const size_t shared = common(child->tokens, tokens);
      if (shared == tokens.size()) same = child;
      if (shared == child->tokens.size() && shared < tokens.size()) shorter = child;
    }
    if (same == nullptr && shorter != nullptr) {
      pool_.share(page);
      pool_.drop(shorter->page);
      shorter->page = page;
      shorter->tokens.assign(tokens.begin(), tokens.end());
      same = shorter;
    }
    if (same == nullptr) {
      nodes_.push_back(std::make_unique<Node>());
      same = nodes_.back().get();
      same->parent = node;
      same->tokens.assign(tokens.begin(), tokens.end());
      same->page = page;
      pool_.share(page);
      children_of(node).push_back(same);
    }
    same->last_used = clock_;
    node = same;
  }
}

std::vector<int32_t> PrefixTree::ids_up_to(const Node& node) {
  std::vector<const Node*> path;
  for (const Node* at = &node; at != nullptr; at = at->parent) path.push_back(at);
  std::vector<int32_t> ids;
  for (auto at = path.rbegin(); at != path.rend(); ++at)
    ids.insert(ids.end(), (*at)->tokens.begin(), (*at)->tokens.end());
  return ids;
}

void PrefixTree::visit_full_pages(OnPage on_page) const {
  for (const auto& node : nodes_) {
    if (node->tokens.size() == kPage) on_page(ids_up_to(*node), node->page);
  }
}

bool PrefixTree::evict(OnPage on_page) {
  size_t oldest = nodes_.size();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = *nodes_[i];
    if (!node.children.empty() || pool_.users(node.page) > 1) continue;
    if (oldest == nodes_.size() || node.last_used < nodes_[oldest]->last_used) oldest = i;
  }
  if (oldest == nodes_.size()) return false;
  const Node& node = *nodes_[oldest];
  if (node.tokens.size() == kPage) on_page(ids_up_to(node), node.page);
  remove(oldest);
  return true;
}

void PrefixTree::remove(size_t index) {
  Node* node = nodes_[index].get();
  std::vector<Node*>& siblings = children_of(node->parent);
  siblings.erase(std::find(siblings.begin(), siblings.end(), node));
  pool_.drop(node->page);
  std::swap(nodes_[index], nodes_.back());
  nodes_.pop_back();
}

int64_t PrefixTree::unused_pages() const {
  return std::count_if(nodes_.begin(), nodes_.end(),
                       [this](const auto& node) { return pool_.users(node->page) == 1; });
}

}  // namespace onmal
