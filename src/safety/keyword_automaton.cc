#include "safety/keyword_automaton.h"

#include <algorithm>

namespace onmal {

void KeywordAutomaton::add(std::u32string_view word, uint32_t id) {
  if (word.empty()) return;
  uint32_t state = 0;
  for (const char32_t code : word) {
    const auto& edges = states_[state].edges;
    const auto edge =
        std::find_if(edges.begin(), edges.end(), [&](const Edge& e) { return e.code == code; });
    if (edge != edges.end()) {
      state = edge->to;
      continue;
    }
    const auto made = static_cast<uint32_t>(states_.size());
    states_[state].edges.push_back({code, made});
    states_.emplace_back().length = states_[state].length + 1;
    state = made;
  }
  auto& ids = states_[state].ids;
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

void KeywordAutomaton::prepare() {
  for (State& state : states_)
    std::sort(state.edges.begin(), state.edges.end(),
              [](const Edge& a, const Edge& b) { return a.code < b.code; });
  // By breadth: a state's failure is shorter than the state, and known before it.
  std::vector<uint32_t> queue{0};
  for (size_t at = 0; at < queue.size(); ++at) {
    const uint32_t from = queue[at];
    for (const Edge& edge : states_[from].edges) {
      State& to = states_[edge.to];
      to.fail = from == 0 ? 0 : step(states_[from].fail, edge.code);
      to.next_match = states_[to.fail].ids.empty() ? states_[to.fail].next_match : to.fail;
      queue.push_back(edge.to);
    }
  }
}

const KeywordAutomaton::Edge* KeywordAutomaton::find_edge(uint32_t state, char32_t code) const {
  const auto& edges = states_[state].edges;
  const auto edge = std::lower_bound(edges.begin(), edges.end(), code,
                                     [](const Edge& e, char32_t c) { return e.code < c; });
  return edge != edges.end() && edge->code == code ? &*edge : nullptr;
}

uint32_t KeywordAutomaton::step(uint32_t state, char32_t code) const {
  while (true) {
    if (const Edge* edge = find_edge(state, code)) return edge->to;
    if (state == 0) return 0;
    state = states_[state].fail;
  }
}

void KeywordAutomaton::search(std::u32string_view text, Found found) const {
  uint32_t state = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    state = step(state, text[i]);
    for (uint32_t match = state; match != 0; match = states_[match].next_match) {
      for (const uint32_t id : states_[match].ids) found(i + 1 - states_[match].length, i + 1, id);
    }
  }
}

}  // namespace onmal
