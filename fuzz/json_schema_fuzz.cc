#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/rng.h"
#include "infer/json/json_constraint.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

// Walks at random, then the shortest way to an end, which is as long as was said.
void walk(const onmal::TextConstraint& automaton, uint64_t seed) {
  onmal::Rng rng(seed);
  int32_t state = automaton.start();
  for (int step = 0; step < 300; ++step) {
    const int64_t ending = automaton.shortest_ending(state);
    require((ending == 0) == automaton.may_end(state));
    const bool closing = step >= 100;
    if (closing && ending == 0) return;
    int32_t chosen = onmal::TextConstraint::kDead;
    int32_t nearer = onmal::TextConstraint::kDead;
    uint64_t seen = 0;
    for (int byte = 0; byte < 256; ++byte) {
      const int32_t next = automaton.next(state, static_cast<uint8_t>(byte));
      if (next == onmal::TextConstraint::kDead) continue;
      const int64_t behind = automaton.shortest_ending(next);
      require(behind >= ending - 1);
      if (behind == ending - 1) nearer = next;
      if (rng.below(++seen) == 0) chosen = next;
    }
    require(ending == 0 || nearer != onmal::TextConstraint::kDead);
    if (seen == 0) return;
    state = closing ? nearer : chosen;
  }
}

}  // namespace

// Any text is a schema whose automaton keeps its promises, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  onmal::JsonConstraintOptions options;
  options.max_string_characters = 8;
  options.max_items = 3;
  options.max_depth = 4;
  options.max_key_bytes = 4;
  try {
    const auto constraint = onmal::make_json_constraint(
        std::string_view(reinterpret_cast<const char*>(data), size), options);
    walk(*constraint, size);
  } catch (const onmal::Error&) {
  }
  return 0;
}
