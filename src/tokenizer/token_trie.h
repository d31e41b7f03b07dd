#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace onmal {

// Byte strings with a number each, found byte by byte from any place. Nodes are numbered from the
// root, 0; edges live in one open-addressing table, those of the root in an array.
class TokenTrie {
 public:
  static constexpr int32_t kNone = -1;

  // A string given twice keeps its first number; empty strings are not taken.
  void insert(std::string_view text, int32_t value);

  // The node behind `byte`; kNone when no string goes on so.
  int32_t step(int32_t node, uint8_t byte) const {
    if (node == 0) return first_[byte];
    for (size_t at = slot_of(node, byte); edges_[at].from != kNone;
         at = (at + 1) & (edges_.size() - 1)) {
      if (edges_[at].from == node && edges_[at].byte == byte) return edges_[at].to;
    }
    return kNone;
  }
  // The number of the string that ends at this node; kNone when none does.
  int32_t value(int32_t node) const { return values_[static_cast<size_t>(node)]; }
  int32_t find(std::string_view text) const;
  bool empty() const { return values_.size() == 1; }

 private:
  struct Edge {
    int32_t from = kNone;
    int32_t to = kNone;
    uint8_t byte = 0;
  };
  size_t slot_of(int32_t node, uint8_t byte) const {
    const uint64_t key =
        (static_cast<uint64_t>(static_cast<uint32_t>(node)) << 8 | byte) * 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key >> 32) & (edges_.size() - 1);
  }
  int32_t add_edge(int32_t node, uint8_t byte);

  std::array<int32_t, 256> first_ = make_empty();
  std::vector<Edge> edges_ = std::vector<Edge>(16);
  size_t edge_count_ = 0;
  std::vector<int32_t> values_ = {kNone};

  static constexpr std::array<int32_t, 256> make_empty() {
    std::array<int32_t, 256> empty{};
    for (int32_t& node : empty) node = kNone;
    return empty;
  }
};

}  // namespace onmal
