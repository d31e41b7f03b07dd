#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// A stretch of bytes of the text that something was made from.
struct SourceRange {
  uint32_t begin = 0;
  uint32_t end = 0;

  bool operator==(const SourceRange&) const = default;
};

// A text on its way through steps of normalisation: every character knows which bytes of the
// original it stands for. Ranges never run backwards, so that those of neighbouring characters
// together are one stretch of the original.
class MappedText {
 public:
  MappedText() = default;
  // Bytes that are not UTF-8 become U+FFFD, one each. Throws Error(kResource) for a text of 4 GiB
  // or more.
  explicit MappedText(std::string_view text);

  size_t size() const { return codes_.size(); }
  bool empty() const { return codes_.empty(); }
  char32_t operator[](size_t i) const { return codes_[i]; }
  const std::u32string& codes() const { return codes_; }
  const SourceRange& source(size_t i) const { return sources_[i]; }
  // From the first byte of character `begin` to behind the last one before `end`; begin < end.
  SourceRange source(size_t begin, size_t end) const {
    return {sources_[begin].begin, sources_[end - 1].end};
  }
  std::string utf8() const;

  void add(char32_t code, SourceRange source) {
    codes_ += code;
    sources_.push_back(source);
  }
  // The character i of another text, with its source.
  void add(const MappedText& from, size_t i) { add(from.codes_[i], from.sources_[i]); }
  // The last character's bytes go on to `end`: it stands for what was left out behind it, too.
  void extend_last(uint32_t end) { sources_.back().end = end; }
  void set_last(char32_t code) { codes_.back() = code; }

 private:
  std::u32string codes_;
  std::vector<SourceRange> sources_;
};

}  // namespace onmal
