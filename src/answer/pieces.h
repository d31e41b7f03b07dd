#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "text/sentences.h"

namespace onmal {

// Parts of a text to be worked on one by one, in order; what lies between them (line breaks, list
// markers, blank lines, fenced code, lines without a letter) is kept as it is. A part is as many
// whole sentences of one line as `fits` accepts; a sentence that does not fit by itself is cut
// behind a comma, else a space, else anywhere between characters.
std::vector<TextSpan> cut_into_parts(std::string_view text,
                                     FunctionRef<bool(std::string_view part)> fits);

// The text with its parts replaced.
std::string replace_parts(std::string_view text, const std::vector<TextSpan>& parts,
                          const std::vector<std::string>& replacements);

// What must come through a rewriting unchanged: addresses (URLs, e-mail), code between backticks,
// and numbers.
struct FixedPart {
  enum class Kind : uint8_t { kAddress, kCode, kNumber };
  Kind kind;
  std::string text;

  bool operator==(const FixedPart&) const = default;
};
std::string_view fixed_part_name(FixedPart::Kind kind);  // "url", "code", "number"
std::vector<FixedPart> find_fixed_parts(std::string_view text);
// Those of `before` that `after` lacks (as often as they are missing). Numbers are compared without
// the commas between their digits.
std::vector<FixedPart> find_lost_parts(std::string_view before, std::string_view after);

}  // namespace onmal
