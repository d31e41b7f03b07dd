#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// A text in the form that rules about numbers read: full-width ASCII and its punctuation
// half-width, dashes of every kind as '-', odd spaces as ' ', zero-width characters gone, Hangul in
// conjoining jamo composed. Every place knows its byte in the original. A text with none of these
// is not copied: it must outlive this.
class PlainText {
 public:
  explicit PlainText(std::string_view text);

  std::string_view view() const { return view_; }
  // Bytes of the original that [begin, end) of view() stands for; begin < end.
  size_t source_begin(size_t begin) const;
  size_t source_end(size_t end) const;

 private:
  // From `plain` on, bytes are those from `source` on, one for one; where `whole` the bytes up to
  // the next run are one changed character that ends at `source_end`.
  struct Run {
    size_t plain;
    size_t source;
    size_t source_end;
    bool whole;
  };
  const Run& run_of(size_t plain) const;

  std::string_view original_;
  std::string changed_;
  std::string_view view_;
  std::vector<Run> runs_;
};

}  // namespace onmal
