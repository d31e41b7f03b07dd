#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "corpus/clean/quality.h"

namespace onmal {

// Which boilerplate a line is, by phrases and form; nothing for lines of more than 400 bytes, which
// hold more than that.
class Boilerplate {
 public:
  Boilerplate();

  std::optional<QualityRule> of_line(std::string_view line) const;

 private:
  // Behind `lower` eight more bytes can be read.
  std::optional<QualityRule> of_phrase(std::string_view lower, size_t characters) const;

  // A bit for the hash of each phrase's first six bytes.
  std::vector<uint64_t> prefixes_;
};

}  // namespace onmal
