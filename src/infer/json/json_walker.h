#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "infer/json/grammar.h"
#include "infer/text_constraint.h"

namespace onmal::json {

// Walks a grammar byte by byte: a pushdown automaton, made deterministic as it goes. A stack's
// frames say where in its nodes a text stands; a state is the set of stacks of all readings that a
// text so far allows. Stacks and states are numbered when first met, transitions are remembered.
// Every stack can reach an end, so every state that lives can. Not thread-safe.
class JsonWalker : public TextConstraint {
 public:
  explicit JsonWalker(std::shared_ptr<const Grammar> grammar);

  int32_t start() const override { return start_; }
  int32_t next(int32_t state, uint8_t byte) const override;
  bool may_end(int32_t state) const override { return shortest_ending(state) == 0; }
  bool knows_endings() const override { return true; }
  int64_t shortest_ending(int32_t state) const override {
    return states_[static_cast<size_t>(state)].cost;
  }
  Inside inside(int32_t state) const override;
  int32_t next_inside(int32_t inside, uint8_t byte) const override;
  std::shared_ptr<const TextConstraint> walker() const override;
  bool is_crowded() const override;
  int32_t keep_only(int32_t state) const override;

 private:
  // Where a text stands in a node. What a, b, c mean: see the function of the node's kind.
  struct Frame {
    int32_t node;
    int32_t phase;
    int32_t blanks;  // read in this place; of a name: bytes read
    int32_t a, b, c;
    bool operator==(const Frame&) const = default;
  };
  struct Stack {
    Frame frame;
    int32_t parent;  // a stack; kDone: none
    int32_t depth;
    int64_t cost;  // fewest bytes to an end
  };
  struct State {
    std::vector<int32_t> stacks;  // sorted
    int64_t cost;
  };
  using Stacks = std::vector<int32_t>;
  static constexpr int32_t kDone = 0;  // the empty stack

  int32_t stack_of(const Frame& frame, int32_t parent) const;
  int32_t state_of(Stacks stacks) const;
  int32_t compute(int32_t state, uint8_t byte) const;
  const Stack& stack(int32_t which) const { return stacks_[static_cast<size_t>(which)]; }
  const Node& node(int32_t which) const { return grammar_->nodes[static_cast<size_t>(which)]; }

  // Fewest bytes to the end of a frame's node.
  int64_t rest(const Frame& frame) const;
  int64_t rest_of_array(const Frame& frame, const ArrayNode& array) const;
  int64_t rest_of_object(const Frame& frame, const ObjectNode& object) const;
  int64_t rest_of_wrap(const Frame& frame, const WrapNode& wrap) const;
  Inside inside_of(const Stack& stack) const;
  // Whether only the shortest way is left: a soft limit is reached.
  bool is_tight(const Stack& stack) const;

  // The stacks behind a byte.
  void step(int32_t stack, uint8_t byte, Stacks& out) const;
  void advance(const Frame& frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void step_dfa(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void step_text(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void step_array(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void step_object(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void step_name(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void step_wrap(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void begin_value(int32_t value, int32_t parent, uint8_t byte, Stacks& out) const;
  bool take_blank(Frame frame, int32_t parent, uint8_t byte, Stacks& out) const;
  void put(const Frame& frame, int32_t parent, Stacks& out) const;
  void finish(int32_t parent, Stacks& out) const { out.push_back(parent); }
  Frame first_frame(int32_t node) const;
  void clear() const;

  struct StackKeyHash {
    size_t operator()(const std::pair<Frame, int32_t>& key) const;
  };
  struct StacksHash {
    size_t operator()(const Stacks& stacks) const;
  };

  std::shared_ptr<const Grammar> grammar_;
  int32_t start_ = 0;
  mutable std::vector<Stack> stacks_;
  mutable std::unordered_map<std::pair<Frame, int32_t>, int32_t, StackKeyHash> stack_ids_;
  mutable std::vector<State> states_;
  mutable std::unordered_map<Stacks, int32_t, StacksHash> state_ids_;
  mutable std::vector<std::unique_ptr<std::array<int32_t, 256>>> rows_;  // transitions by state
};

}  // namespace onmal::json
