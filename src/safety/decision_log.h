#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "safety/moderator.h"

namespace onmal {

// One decision as a line of JSON: time, place, action, scores of at least 0.01, spans, and the
// text's SHA-256 with its length in bytes; the text itself only where asked. A hash of a short text
// can be guessed: with a `salt` that is kept apart it cannot.
struct DecisionLogOptions {
  bool with_text = false;
  std::string salt;
};
std::string decision_line(std::string_view text, const ModerationResult& result, Place place,
                          int64_t unix_milliseconds, const DecisionLogOptions& options = {});

}  // namespace onmal
