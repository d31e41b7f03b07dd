#include "tokenizer/joinable_pairs.h"

#include <algorithm>
#include <unordered_map>

namespace onmal {
namespace {

constexpr size_t kMostPairs = size_t{1} << 22;  // beyond it the filter says yes to all

using Pair = std::pair<int32_t, int32_t>;

// Tokens that stand at one end of others: edges(x) = x and the edges of the parts it is made of.
class Edges {
 public:
  Edges(std::span<const Pair> merges, std::span<const int32_t> made, bool last) {
    for (size_t i = 0; i < merges.size(); ++i)
      parts_[made[i]].push_back(last ? merges[i].second : merges[i].first);
  }

  const std::vector<int32_t>& of(int32_t token) {
    const auto known = edges_.find(token);
    if (known != edges_.end()) return known->second;
    std::vector<int32_t> all = {token};
    for (size_t i = 0; i < all.size(); ++i) {
      const auto parts = parts_.find(all[i]);
      if (parts == parts_.end()) continue;
      for (const int32_t part : parts->second) {
        if (std::find(all.begin(), all.end(), part) == all.end()) all.push_back(part);
      }
    }
    return edges_.emplace(token, std::move(all)).first->second;
  }

 private:
  std::unordered_map<int32_t, std::vector<int32_t>> parts_;
  std::unordered_map<int32_t, std::vector<int32_t>> edges_;
};

}  // namespace

JoinablePairs::JoinablePairs(std::span<const Pair> merges, std::span<const int32_t> made) {
  Edges last(merges, made, true);
  Edges first(merges, made, false);
  std::vector<Pair> pairs;
  for (const auto& [left, right] : merges) {
    for (const int32_t a : last.of(left)) {
      for (const int32_t b : first.of(right)) pairs.emplace_back(a, b);
    }
    if (pairs.size() > kMostPairs) return;
  }
  pairs_ = BitFilter(pairs.size(), 32);
  for (const auto& [a, b] : pairs)
    pairs_.insert(BitFilter::pair_key(static_cast<uint32_t>(a), static_cast<uint32_t>(b)));
}

}  // namespace onmal
