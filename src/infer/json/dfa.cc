#include "infer/json/dfa.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "base/error.h"

namespace onmal::json {
namespace {

struct PositionHash {
  size_t operator()(const Position& position) const {
    uint64_t hash = position.size();
    for (const int32_t value : position) {
      hash = (hash ^ static_cast<uint32_t>(value)) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 29;
    }
    return static_cast<size_t>(hash);
  }
};

}  // namespace

ByteClasses::ByteClasses(std::span<const std::array<uint8_t, 2>> ranges) {
  std::array<bool, 257> begins{};
  begins[0] = true;
  for (const auto& [lo, hi] : ranges) {
    begins[lo] = true;
    begins[size_t{hi} + 1] = true;
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    if (begins[byte]) representatives_.push_back(static_cast<uint8_t>(byte));
    of_[byte] = count() - 1;
  }
}

Dfa::Dfa(const ByteClasses& classes, const DfaPlan& plan, const std::string& where)
    : classes_(classes), width_(static_cast<size_t>(classes.count())) {
  explore(plan, where);
  measure();
  find_cycles();
}

void Dfa::explore(const DfaPlan& plan, const std::string& where) {
  std::unordered_map<Position, int32_t, PositionHash> known;
  std::vector<const Position*> order;
  const auto state_of = [&](const Position& position) {
    const auto [at, is_new] = known.emplace(position, static_cast<int32_t>(order.size()));
    if (!is_new) return at->second;
    if (static_cast<int32_t>(order.size()) >= plan.max_states) {
      throw Error(ErrorCode::kUnsupported, where,
                  "needs an automaton of more than " + std::to_string(plan.max_states) + " states",
                  "use simpler patterns or smaller limits");
    }
    order.push_back(&at->first);
    marks_.push_back(plan.mark(position));
    return at->second;
  };
  state_of(plan.start);
  Position reached;
  for (size_t i = 0; i < order.size(); ++i) {
    for (int32_t c = 0; c < classes_.count(); ++c) {
      reached.clear();
      const bool lives = plan.step(*order[i], classes_.representative(c), reached);
      table_.push_back(lives ? state_of(reached) : kDead);
    }
  }
}

// Distances to an end, backwards from the ends; ways to states without one are cut.
void Dfa::measure() {
  const auto count = static_cast<size_t>(states());
  std::vector<std::vector<int32_t>> sources(count);
  for (size_t i = 0; i < table_.size(); ++i) {
    if (table_[i] == kDead) continue;
    std::vector<int32_t>& from = sources[static_cast<size_t>(table_[i])];
    const auto source = static_cast<int32_t>(i / width_);
    if (from.empty() || from.back() != source) from.push_back(source);
  }
  distances_.assign(count, kNoWay);
  std::deque<int32_t> queue;
  for (size_t s = 0; s < count; ++s) {
    if (marks_[s].label < 0) continue;
    distances_[s] = 0;
    queue.push_back(static_cast<int32_t>(s));
  }
  for (; !queue.empty(); queue.pop_front()) {
    const auto at = static_cast<size_t>(queue.front());
    for (const int32_t source : sources[at]) {
      int64_t& distance = distances_[static_cast<size_t>(source)];
      if (distance < kNoWay) continue;
      distance = distances_[at] + 1;
      queue.push_back(source);
    }
  }
  last_.assign(count, true);
  for (size_t i = 0; i < table_.size(); ++i) {
    int32_t& to = table_[i];
    if (to != kDead && distances_[static_cast<size_t>(to)] >= kNoWay) to = kDead;
    if (to != kDead) last_[i / width_] = false;
  }
}

// Whether a live state can be met twice: what stays when states without a way in are taken off.
void Dfa::find_cycles() {
  std::vector<int32_t> ways_in(marks_.size(), 0);
  for (const int32_t to : table_) {
    if (to != kDead) ++ways_in[static_cast<size_t>(to)];
  }
  std::deque<size_t> queue;
  for (size_t s = 0; s < ways_in.size(); ++s) {
    if (ways_in[s] == 0) queue.push_back(s);
  }
  size_t taken = 0;
  for (; !queue.empty(); queue.pop_front(), ++taken) {
    for (size_t c = 0; c < width_; ++c) {
      const int32_t to = table_[queue.front() * width_ + c];
      if (to != kDead && --ways_in[static_cast<size_t>(to)] == 0)
        queue.push_back(static_cast<size_t>(to));
    }
  }
  endless_ = taken < marks_.size();
}

bool Dfa::matches(std::string_view text) const {
  int32_t state = kStart;
  for (const char c : text) {
    state = next(state, static_cast<uint8_t>(c));
    if (state == kDead) return false;
  }
  return accepts(state);
}

ByteClasses joint_classes(std::span<const Dfa* const> automata) {
  std::vector<std::array<uint8_t, 2>> ranges = {{'"', '"'}};
  for (const Dfa* automaton : automata) {
    for (int32_t c = 0; c < automaton->classes().count(); ++c) {
      const uint8_t first = automaton->classes().representative(c);
      ranges.push_back({first, 0xFF});
    }
  }
  return ByteClasses(ranges);
}

Dfa intersect(std::span<const Dfa* const> automata, int64_t min_characters, int64_t max_characters,
              const std::string& where) {
  const size_t count = automata.size();
  const int64_t most = max_characters >= 0 ? max_characters : min_characters;
  const auto step = [&](const Position& at, uint8_t byte, Position& reached) {
    for (size_t i = 0; i < count; ++i) {
      reached.push_back(automata[i]->next(at[i], byte));
      if (reached[i] == Dfa::kDead) return false;
    }
    int64_t characters = at[count];
    if (automata[0]->is_boundary(at[0])) {
      if (byte == '"') {
        if (characters < min_characters) return false;
      } else if (characters < most) {
        ++characters;
      } else if (max_characters >= 0) {
        return false;
      }
    }
    reached.push_back(static_cast<int32_t>(characters));
    return true;
  };
  const auto mark = [&](const Position& at) {
    PositionMark all{0, automata[0]->is_boundary(at[0])};
    for (size_t i = 0; i < count; ++i) {
      if (!automata[i]->accepts(at[i])) all.label = -1;
    }
    return all;
  };
  DfaPlan plan{Position(count + 1, 0), step, mark};
  return Dfa(joint_classes(automata), plan, where);
}

Dfa make_literals(std::span<const std::string> texts, bool numbered, const std::string& where) {
  std::vector<std::map<uint8_t, int32_t>> nodes(1);
  std::vector<int32_t> labels = {-1};
  std::vector<std::array<uint8_t, 2>> ranges;
  for (size_t i = 0; i < texts.size(); ++i) {
    int32_t at = 0;
    for (const char c : texts[i]) {
      const auto byte = static_cast<uint8_t>(c);
      ranges.push_back({byte, byte});
      const auto fresh = static_cast<int32_t>(nodes.size());
      const auto [edge, is_new] = nodes[static_cast<size_t>(at)].emplace(byte, fresh);
      at = edge->second;
      if (!is_new) continue;
      nodes.emplace_back();
      labels.push_back(-1);
    }
    labels[static_cast<size_t>(at)] = numbered ? static_cast<int32_t>(i) : 0;
  }
  const auto step = [&](const Position& at, uint8_t byte, Position& reached) {
    const auto& edges = nodes[static_cast<size_t>(at[0])];
    const auto edge = edges.find(byte);
    if (edge == edges.end()) return false;
    reached.push_back(edge->second);
    return true;
  };
  const auto mark = [&](const Position& at) {
    return PositionMark{labels[static_cast<size_t>(at[0])], false};
  };
  return Dfa(ByteClasses(ranges), {{0}, step, mark, 200'000}, where);
}

}  // namespace onmal::json
