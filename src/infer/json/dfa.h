#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace onmal::json {

// Lengths of ways that do not exist; sums of several stay far from overflow.
inline constexpr int64_t kNoWay = int64_t{1} << 40;

// Bytes that no automaton of a set tells apart.
class ByteClasses {
 public:
  // Of the byte ranges [lo, hi] whose borders matter.
  explicit ByteClasses(std::span<const std::array<uint8_t, 2>> ranges);
  int32_t of(uint8_t byte) const { return of_[byte]; }
  int32_t count() const { return static_cast<int32_t>(representatives_.size()); }
  uint8_t representative(int32_t which) const {
    return representatives_[static_cast<size_t>(which)];
  }

 private:
  std::array<int32_t, 256> of_{};
  std::vector<uint8_t> representatives_;
};

// A place in an automaton that is being explored.
using Position = std::vector<int32_t>;

struct PositionMark {
  int32_t label = -1;        // >= 0: a text may end here
  bool is_boundary = false;  // between the characters of a string
};

struct DfaPlan {
  Position start;
  // Whether a byte may come at a position, and where it leads.
  FunctionRef<bool(const Position&, uint8_t, Position&)> step;
  FunctionRef<PositionMark(const Position&)> mark;
  int32_t max_states = 20'000;
};

// A deterministic automaton over bytes. Every state but the start of an empty one can reach an end.
class Dfa {
 public:
  static constexpr int32_t kDead = -1;
  static constexpr int32_t kStart = 0;

  // Explores from the start all that can be reached. Throws Error(kUnsupported) naming `where`
  // for more than max_states.
  Dfa(const ByteClasses& classes, const DfaPlan& plan, const std::string& where);

  int32_t next(int32_t state, uint8_t byte) const {
    return table_[static_cast<size_t>(state) * width_ + static_cast<size_t>(classes_.of(byte))];
  }
  bool accepts(int32_t state) const { return marks_[static_cast<size_t>(state)].label >= 0; }
  int32_t label(int32_t state) const { return marks_[static_cast<size_t>(state)].label; }
  bool is_boundary(int32_t state) const { return marks_[static_cast<size_t>(state)].is_boundary; }
  // Fewest bytes to an end.
  int64_t distance(int32_t state) const { return distances_[static_cast<size_t>(state)]; }
  // An end that nothing follows.
  bool is_last(int32_t state) const { return last_[static_cast<size_t>(state)]; }
  bool is_empty() const { return distances_[0] >= kNoWay; }
  bool is_endless() const { return endless_; }
  int32_t states() const { return static_cast<int32_t>(marks_.size()); }
  const ByteClasses& classes() const { return classes_; }
  bool matches(std::string_view text) const;

 private:
  void explore(const DfaPlan& plan, const std::string& where);
  void measure();
  void find_cycles();

  ByteClasses classes_;
  size_t width_;
  std::vector<int32_t> table_;  // [states, classes]
  std::vector<PositionMark> marks_;
  std::vector<int64_t> distances_;
  std::vector<bool> last_;
  bool endless_ = false;
};

// Classes of all borders of several automata.
ByteClasses joint_classes(std::span<const Dfa* const> automata);

// Texts in all of the automata whose bytes between a boundary and the next one count as a
// character, at least `min_characters` and at most `max_characters` (-1: any number) of them.
Dfa intersect(std::span<const Dfa* const> automata, int64_t min_characters, int64_t max_characters,
              const std::string& where);
// Exactly these texts; `label` of each is its number where `numbered`, else 0.
Dfa make_literals(std::span<const std::string> texts, bool numbered, const std::string& where);

}  // namespace onmal::json
