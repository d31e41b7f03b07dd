#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

// Bytes of tokens to text for a reader: what is given out is whole UTF-8 characters (bytes that are
// none become U+FFFD) and never any part of a stop text. Bytes that may still become either wait.
class TextStream {
 public:
  using Emit = FunctionRef<void(std::string_view)>;

  // `expected_bytes` are reserved at once, so that pushing up to that many allocates nothing.
  explicit TextStream(std::vector<std::string> stop_texts, size_t expected_bytes = 0);

  // Takes the bytes of one token and gives out what became certain. Returns true when a stop text
  // is complete: the text ends before it and the stream takes no more.
  bool push(std::string_view bytes, Emit emit);
  // No more will come: gives out what waits.
  void finish(Emit emit);

  // All that was given out so far.
  const std::string& text() const { return text_; }

 private:
  size_t find_stop() const;
  size_t possible_stop_prefix() const;
  void release(size_t count, Emit emit);

  std::vector<std::string> stop_texts_;
  size_t longest_stop_ = 0;
  std::string waiting_;
  std::string text_;
  bool stopped_ = false;
};

}  // namespace onmal
