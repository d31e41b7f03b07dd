#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/input/byte_stream.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kSample = 4096;
constexpr size_t kUnits = size_t{1} << 15;

enum class Utf16 : uint8_t { kNone, kLittle, kBig };

// A mark; or zeros, as ASCII and line breaks leave them, in every other byte and nowhere else.
Utf16 guess(std::string_view sample) {
  if (sample.starts_with("\xFF\xFE")) return Utf16::kLittle;
  if (sample.starts_with("\xFE\xFF")) return Utf16::kBig;
  std::array<size_t, 2> zeros = {0, 0};
  for (size_t i = 0; i < sample.size(); ++i) zeros[i % 2] += sample[i] == '\0' ? 1 : 0;
  const size_t least = std::max<size_t>(2, sample.size() / 2 / 20);
  if (zeros[1] >= least && zeros[0] * 20 <= zeros[1]) return Utf16::kLittle;
  if (zeros[0] >= least && zeros[1] * 20 <= zeros[0]) return Utf16::kBig;
  return Utf16::kNone;
}

// Gives a sample first that was read for a look.
class PeekedStream : public ByteStream {
 public:
  PeekedStream(std::unique_ptr<ByteStream> rest, std::string sample)
      : rest_(std::move(rest)), sample_(std::move(sample)) {}

  size_t read(std::span<char> buffer) override {
    const size_t first = std::min(buffer.size(), sample_.size() - given_);
    std::copy_n(sample_.data() + given_, first, buffer.data());
    given_ += first;
    return first == buffer.size() ? first : first + rest_->read(buffer.subspan(first));
  }
  uint64_t packed_position() const override { return rest_->packed_position(); }

 private:
  std::unique_ptr<ByteStream> rest_;
  std::string sample_;
  size_t given_ = 0;
};

class Utf16Stream : public ByteStream {
 public:
  Utf16Stream(std::unique_ptr<ByteStream> bytes, bool big)
      : bytes_(std::move(bytes)), big_(big), raw_(2 * kUnits) {}

  size_t read(std::span<char> buffer) override {
    size_t filled = 0;
    while (filled < buffer.size()) {
      if (given_ == text_.size() && !convert()) break;
      const size_t count = std::min(buffer.size() - filled, text_.size() - given_);
      std::memcpy(buffer.data() + filled, text_.data() + given_, count);
      filled += count;
      given_ += count;
    }
    return filled;
  }
  uint64_t packed_position() const override { return bytes_->packed_position(); }

 private:
  // The next stretch; false at the end.
  bool convert() {
    text_.clear();
    given_ = 0;
    if (ended_) return false;
    const size_t got = bytes_->read(raw_);
    ended_ = got < raw_.size();
    for (size_t i = 0; i < got; i += 2) take(unit_at(i, got));
    if (ended_ && high_ != 0) append_utf8(0xFFFD, text_);
    return !text_.empty() || !ended_;
  }

  // A byte without its other half is a broken character.
  uint32_t unit_at(size_t i, size_t got) const {
    if (i + 1 == got) return 0xDC00;
    const auto first = static_cast<uint8_t>(raw_[i]);
    const auto second = static_cast<uint8_t>(raw_[i + 1]);
    return big_ ? static_cast<uint32_t>(first << 8 | second)
                : static_cast<uint32_t>(second << 8 | first);
  }

  void take(uint32_t unit) {
    const bool low = unit >= 0xDC00 && unit < 0xE000;
    if (high_ != 0 && low) {
      append_utf8(0x10000 + ((high_ - 0xD800) << 10) + (unit - 0xDC00), text_);
      high_ = 0;
      return;
    }
    if (high_ != 0) append_utf8(0xFFFD, text_);
    high_ = unit >= 0xD800 && unit < 0xDC00 ? unit : 0;
    if (high_ == 0) append_utf8(low ? 0xFFFD : unit, text_);
  }

  std::unique_ptr<ByteStream> bytes_;
  bool big_;
  std::vector<char> raw_;
  std::string text_;
  size_t given_ = 0;
  uint32_t high_ = 0;  // half of a pair that waits for the other
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> open_text_stream(const std::filesystem::path& path) {
  std::unique_ptr<ByteStream> bytes = open_byte_stream(path);
  std::string sample(kSample, '\0');
  sample.resize(bytes->read(sample));
  const Utf16 found = guess(sample);
  auto whole = std::make_unique<PeekedStream>(std::move(bytes), std::move(sample));
  if (found == Utf16::kNone) return whole;
  return std::make_unique<Utf16Stream>(std::move(whole), found == Utf16::kBig);
}

}  // namespace onmal
