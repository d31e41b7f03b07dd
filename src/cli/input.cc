#include "cli/input.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int kWaitMilliseconds = 50;  // how late a stop request may be noticed

Error too_long(size_t limit) {
  return {ErrorCode::kResource, "standard input", "more than " + std::to_string(limit) + " bytes",
          "give less at a time"};
}

}  // namespace

// Waits for more bytes and takes them; kLine stands for "some came".
InputReader::Status InputReader::fill(const std::stop_token& stop) {
  while (true) {
    if (stop.stop_requested()) return Status::kStopped;
    pollfd waiting{descriptor_, POLLIN, 0};
    const int ready = poll(&waiting, 1, kWaitMilliseconds);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    std::array<char, 1 << 16> block{};
    const ssize_t count = read(descriptor_, block.data(), block.size());
    if (count > 0) {
      held_.append(block.data(), static_cast<size_t>(count));
      return Status::kLine;
    }
    if (count == 0 || errno == EIO) return Status::kEnd;  // EIO: the terminal is gone
    if (errno != EINTR && errno != EAGAIN) {
      throw Error(ErrorCode::kIo, "standard input", std::strerror(errno));
    }
  }
}

InputReader::Status InputReader::read_line(std::string& line, const std::stop_token& stop,
                                           size_t limit) {
  size_t searched = 0;
  while (true) {
    const size_t end = held_.find('\n', searched);
    if (end != std::string::npos) {
      line.assign(held_, 0, end);
      held_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return Status::kLine;
    }
    searched = held_.size();
    if (held_.size() > limit) throw too_long(limit);
    const Status status = fill(stop);
    if (status == Status::kLine) continue;
    if (status == Status::kStopped || held_.empty()) return status;
    line = std::exchange(held_, {});
    return Status::kLine;
  }
}

std::string InputReader::read_all(const std::stop_token& stop, size_t limit) {
  while (true) {
    const Status status = fill(stop);
    if (status == Status::kEnd) return std::exchange(held_, {});
    if (status == Status::kStopped) {
      throw Error(ErrorCode::kCancelled, "standard input", "stopped while reading");
    }
    if (held_.size() > limit) throw too_long(limit);
  }
}

}  // namespace onmal
