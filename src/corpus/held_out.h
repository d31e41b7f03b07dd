#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace onmal {

// Whether a text belongs to the held-out `permille` of its kind: the same answer wherever it
// stands, and every copy of it.
constexpr bool is_held_out(std::string_view text, int64_t permille) {
  return (fnv1a(text) >> 20) % 1000 < static_cast<uint64_t>(permille);
}

}  // namespace onmal
