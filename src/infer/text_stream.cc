#include "infer/text_stream.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

TextStream::TextStream(std::vector<std::string> stop_texts, size_t expected_bytes)
    : stop_texts_(std::move(stop_texts)) {
  for (const std::string& stop : stop_texts_) {
    if (stop.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "stop", "a stop text must not be empty");
    }
    longest_stop_ = std::max(longest_stop_, stop.size());
  }
  // A byte that is not UTF-8 grows to the three of U+FFFD.
  text_.reserve(expected_bytes * kReplacement.size());
  waiting_.reserve(expected_bytes + longest_stop_);
}

bool TextStream::push(std::string_view bytes, Emit emit) {
  if (stopped_) return true;
  waiting_ += bytes;
  const size_t stop = find_stop();
  if (stop != std::string::npos) {
    waiting_.resize(stop);
    release(waiting_.size(), emit);
    stopped_ = true;
    return true;
  }
  const size_t held = std::max(possible_stop_prefix(), incomplete_tail(waiting_));
  // Holding back for a stop text may cut a character in two: then hold all of it.
  const std::string_view ready = std::string_view(waiting_).substr(0, waiting_.size() - held);
  release(ready.size() - incomplete_tail(ready), emit);
  return false;
}

void TextStream::finish(Emit emit) { release(waiting_.size(), emit); }

size_t TextStream::find_stop() const {
  size_t first = std::string::npos;
  for (const std::string& stop : stop_texts_) first = std::min(first, waiting_.find(stop));
  return first;
}

// The most bytes at the end that begin one of the stop texts.
size_t TextStream::possible_stop_prefix() const {
  size_t most = 0;
  for (const std::string& stop : stop_texts_) {
    const size_t limit = std::min(stop.size() - 1, waiting_.size());
    for (size_t count = limit; count > most; --count) {
      if (waiting_.compare(waiting_.size() - count, count, stop, 0, count) == 0) most = count;
    }
  }
  return most;
}

void TextStream::release(size_t count, Emit emit) {
  if (count == 0) return;
  const size_t before = text_.size();
  const std::string_view ready = std::string_view(waiting_).substr(0, count);
  for (size_t position = 0; position < count;) {
    const Utf8Char character = read_utf8(ready, position);
    text_ += character.valid ? ready.substr(position, character.length) : kReplacement;
    position += character.length;
  }
  waiting_.erase(0, count);
  emit(std::string_view(text_).substr(before));
}

}  // namespace onmal
