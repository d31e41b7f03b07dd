#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

// Finds all of many words in one pass over a text (Aho & Corasick, 1975), characters as letters.
class KeywordAutomaton {
 public:
  // `id` is given back with each place where the word stands. Empty words are left out. Words may
  // be added until prepare().
  void add(std::u32string_view word, uint32_t id);
  void prepare();

  // Calls found(begin, end, id) for every place of every word, in the order of their ends.
  using Found = FunctionRef<void(size_t begin, size_t end, uint32_t id)>;
  void search(std::u32string_view text, Found found) const;

  size_t states() const { return states_.size(); }

 private:
  struct Edge {
    char32_t code;
    uint32_t to;
  };
  struct State {
    std::vector<Edge> edges;  // by code, after prepare()
    uint32_t fail = 0;        // the longest proper end of this state that begins a word
    uint32_t next_match = 0;  // the longest one that is a word; 0: none
    uint32_t length = 0;
    std::vector<uint32_t> ids;
  };
  uint32_t step(uint32_t state, char32_t code) const;
  const Edge* find_edge(uint32_t state, char32_t code) const;

  std::vector<State> states_ = std::vector<State>(1);
};

}  // namespace onmal
