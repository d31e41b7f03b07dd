#pragma once

#include <string>
#include <utility>

#include "text/utf8.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// Turns a stream of token ids into text that never ends inside a character: an incomplete tail
// waits for its rest.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // The text that became complete with this token; may be empty.
  std::string push(int32_t id) {
    held_ += tokenizer_.piece(id);
    std::string ready = held_.substr(0, held_.size() - incomplete_tail(held_));
    held_.erase(0, ready.size());
    return ready;
  }
  // Whatever is still held, complete or not.
  std::string flush() { return std::exchange(held_, {}); }

 private:
  const Tokenizer& tokenizer_;
  std::string held_;
};

}  // namespace onmal
