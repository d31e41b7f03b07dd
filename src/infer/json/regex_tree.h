#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onmal::json {

using CodeRange = std::pair<uint32_t, uint32_t>;  // both ends belong to it

struct RegexTree {
  enum class Kind : uint8_t { kClass, kSequence, kChoice, kRepeat, kBegin, kEnd };
  static constexpr int32_t kEndless = -1;

  Kind kind = Kind::kSequence;
  std::vector<CodeRange> ranges;  // kClass: sorted, apart from each other
  std::vector<RegexTree> parts;   // kSequence, kChoice; kRepeat: one
  int32_t least = 0;              // kRepeat
  int32_t most = kEndless;
};

// Throws as compile_string_pattern does.
RegexTree parse_regex(std::string_view pattern, const std::string& where);

// Sorted and joined.
std::vector<CodeRange> normalized(std::vector<CodeRange> ranges);

}  // namespace onmal::json
