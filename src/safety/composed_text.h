#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// A text with Hangul in conjoining jamo (NFD) composed, so that both forms are judged alike; every
// place knows its byte in the original. A text without any is not copied: it must outlive this.
class ComposedText {
 public:
  explicit ComposedText(std::string_view text);

  std::string_view view() const { return view_; }
  // The byte of the original that the border of characters at byte `at` of view() stands for.
  size_t source(size_t at) const;

 private:
  // Where a syllable that was composed ends, here and in the original.
  struct End {
    size_t composed, source;
  };

  std::string composed_;
  std::string_view view_;
  std::vector<End> ends_;
};

}  // namespace onmal
