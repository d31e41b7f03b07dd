#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace onmal {

// A regular expression over UTF-8 with Unicode classes, compiled to machine code where PCRE2 can.
// Const use is safe from several threads.
class Pattern {
 public:
  using Span = std::pair<size_t, size_t>;

  // `source` in the syntax of PCRE2 (not Oniguruma's: see oniguruma_pattern.h). Throws
  // Error(kUnsupported) naming `where` and the place when it does not compile.
  Pattern(std::string_view source, const std::string& where);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  // One search through one text, for many matches from left to right. `text` must be valid UTF-8
  // and outlive the search.
  class Search {
   public:
    Search(const Pattern& pattern, std::string_view text);
    ~Search();
    Search(const Search&) = delete;
    Search& operator=(const Search&) = delete;

    // The leftmost match that begins at or behind `from`; lookbehinds see what is before it. Throws
    // Error(kResource) when the pattern needs more memory or steps than are allowed.
    std::optional<Span> next(size_t from);

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace onmal
