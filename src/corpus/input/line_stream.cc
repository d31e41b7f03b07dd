#include "corpus/input/line_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace onmal {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

LineStream::LineStream(std::unique_ptr<ByteStream> bytes, uint64_t longest_line)
    : bytes_(std::move(bytes)), longest_(longest_line), buffer_(kBufferBytes) {}

bool LineStream::fill() {
  begin_ = 0;
  end_ = bytes_->read(buffer_);
  return end_ > 0;
}

bool LineStream::next(std::string_view& line) {
  if (begin_ == end_ && !fill()) return false;
  held_.clear();
  line_at_ = at_;
  line_bytes_ = 0;
  ++number_;
  for (;;) {
    const char* from = buffer_.data() + begin_;
    const auto* found = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    const size_t count = found == nullptr ? end_ - begin_ : static_cast<size_t>(found - from);
    const bool whole = found != nullptr && held_.empty() && line_bytes_ == 0;
    line_bytes_ += count;
    if (!whole && held_.size() < longest_)
      held_.append(from, std::min<uint64_t>(count, longest_ - held_.size()));
    begin_ += count + (found != nullptr ? 1 : 0);
    at_ += count + (found != nullptr ? 1 : 0);
    if (whole) {
      line = std::string_view(from, std::min<uint64_t>(count, longest_));
      break;
    }
    if (found != nullptr || !fill()) {
      line = held_;
      break;
    }
  }
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

bool LineStream::take(uint64_t count, uint64_t most, std::string& bytes) {
  bytes.clear();
  while (count > 0) {
    if (begin_ == end_ && !fill()) return false;
    const auto got = static_cast<size_t>(std::min<uint64_t>(count, end_ - begin_));
    const uint64_t room = most - std::min<uint64_t>(most, bytes.size());
    bytes.append(buffer_.data() + begin_, std::min<uint64_t>(got, room));
    begin_ += got;
    at_ += got;
    count -= got;
  }
  return true;
}

}  // namespace onmal
