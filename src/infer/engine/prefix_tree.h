#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "nn/paged_kv_cache.h"

namespace onmal {

// Pages of keys and values found by the tokens they stand for and all before them: a radix tree
// whose edges are the tokens of a page (the last one may hold fewer). It is a user of each of its
// pages like any sequence; those that nobody else uses can be let go of, the longest unused first.
// Belongs to one thread, as its pool does.
class PrefixTree {
 public:
  explicit PrefixTree(PagePool& pool) : pool_(pool) {}
  ~PrefixTree();  // gives all pages back
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  struct Match {
    std::vector<int32_t> pages;  // full ones that `ids` begins with
    int32_t part = -1;           // a page whose first `part_tokens` go on from there; -1: none
    int64_t part_tokens = 0;
    int64_t tokens() const {
      return static_cast<int64_t>(pages.size()) * kPageTokens + part_tokens;
    }
  };
  // The longest beginning of `ids` that is there. Its pages count as used now; the caller becomes
  // a user of those it keeps.
  Match find(std::span<const int32_t> ids);
  struct Count {
    int64_t pages = 0;
    int64_t unused = 0;  // of them: nobody but the tree uses them
  };
  // Of the full pages that find() would give, without any trace of having been asked.
  Count count(std::span<const int32_t> ids) const;

  // Remembers pages[i] for tokens [i * kPageTokens, ...) of ids, whose last may be in part. What
  // is there already stays.
  void insert(std::span<const int32_t> ids, std::span<const int32_t> pages);

  // Told of a full page and of all tokens up to its end.
  using OnPage = FunctionRef<void(std::span<const int32_t> ids, int32_t page)>;
  // Lets go of one page that nobody else uses; false when there is none. `on_page` is told of a
  // full one first.
  bool evict(OnPage on_page = [](std::span<const int32_t>, int32_t) {});
  void visit_full_pages(OnPage on_page) const;

  int64_t pages() const { return static_cast<int64_t>(nodes_.size()); }
  // Those that nobody else uses.
  int64_t unused_pages() const;

 private:
  struct Node {
    Node* parent = nullptr;  // null: the first page
    std::vector<int32_t> tokens;
    int32_t page = -1;
    uint64_t last_used = 0;
    std::vector<Node*> children;
  };
  std::vector<Node*>& children_of(Node* node) { return node == nullptr ? first_ : node->children; }
  const std::vector<Node*>& children_of(const Node* node) const {
    return node == nullptr ? first_ : node->children;
  }
  Node* full_child(const Node* node, std::span<const int32_t> tokens) const;
  static std::vector<int32_t> ids_up_to(const Node& node);
  void remove(size_t index);

  PagePool& pool_;
  std::vector<Node*> first_;
  std::vector<std::unique_ptr<Node>> nodes_;
  uint64_t clock_ = 0;
};

}  // namespace onmal
