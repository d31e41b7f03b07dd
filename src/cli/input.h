#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>

namespace onmal {

// Reads a file descriptor by lines or whole, and gives up waiting when a stop is requested. Bytes
// are taken as they are.
class InputReader {
 public:
  explicit InputReader(int descriptor) : descriptor_(descriptor) {}

  enum class Status { kLine, kEnd, kStopped };
  // The next line without its end; the last line counts without one too. Throws Error(kIo), and
  // Error(kResource) for a line longer than `limit`.
  Status read_line(std::string& line, const std::stop_token& stop, size_t limit = size_t{64} << 20);
  // Everything up to the end. Throws Error(kCancelled) when stopped, Error(kResource) beyond
  // `limit`.
  std::string read_all(const std::stop_token& stop, size_t limit = size_t{1} << 30);

 private:
  Status fill(const std::stop_token& stop);

  int descriptor_;
  std::string held_;
};

}  // namespace onmal
