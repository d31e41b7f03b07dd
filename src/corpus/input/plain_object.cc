#include "corpus/input/plain_object.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "text/byte_block.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Bytes that end a run of plain ones within a text.
constexpr std::array<bool, 256> text_ends() {
  std::array<bool, 256> ends = {};
  for (size_t i = 0; i < 0x20; ++i) ends[i] = true;
  ends['"'] = ends['\\'] = true;
  return ends;
}
constexpr std::array<bool, 256> kTextEnds = text_ends();

class ObjectScanner {
 public:
  explicit ObjectScanner(std::string_view json) : json_(json) {}

  bool scan(std::span<const std::string> names, std::vector<std::optional<std::string>>& values) {
    if (!take('{')) return false;
    if (take('}')) return at_end();
    do {
      skip_blanks();
      if (!read_text(name_) || !take(':')) return false;
      size_t wanted = 0;
      while (wanted < names.size() && names[wanted] != name_) ++wanted;
      skip_blanks();
      if (at_ < json_.size() && json_[at_] == '"') {
        text_.reserve(json_.size() - at_);
        if (!read_text(text_)) return false;
        if (wanted < names.size()) values[wanted] = std::move(text_);
      } else if (!skip_word()) {
        return false;
      }
    } while (take(','));
    return take('}') && at_end();
  }

 private:
  void skip_blanks() {
    while (at_ < json_.size() &&
           (json_[at_] == ' ' || json_[at_] == '\t' || json_[at_] == '\n' || json_[at_] == '\r'))
      ++at_;
  }

  bool take(char c) {
    skip_blanks();
    if (at_ == json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool at_end() {
    skip_blanks();
    return at_ == json_.size();
  }

  bool read_text(std::string& text) {
    text.clear();
    if (at_ == json_.size() || json_[at_++] != '"') return false;
    for (;;) {
      const size_t begin = at_;
      for (; at_ + kBlockBytes <= json_.size(); at_ += kBlockBytes) {
        const ByteBlock block = load_block(json_.data() + at_);
        if (any_of((block == '"') | (block == '\\') | (block < 0x20))) break;
      }
      while (at_ < json_.size() && !kTextEnds[static_cast<uint8_t>(json_[at_])]) ++at_;
      text.append(json_, begin, at_ - begin);
      if (at_ == json_.size()) return false;
      const char c = json_[at_++];
      if (c == '"') return true;
      if (c != '\\' || !read_escape(text)) return false;
    }
  }

  bool read_escape(std::string& text) {
    if (at_ == json_.size()) return false;
    const char c = json_[at_++];
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const size_t found = kLetters.find(c); found != kLetters.npos) {
      text += kMeanings[found];
      return true;
    }
    uint32_t code = 0;
    if (c != 'u' || json_.size() - at_ < 4) return false;
    const char* begin = json_.data() + at_;
    const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
    if (error != std::errc{} || end != begin + 4 || (code >= 0xD800 && code < 0xE000)) return false;
    append_utf8(code, text);
    at_ += 4;
    return true;
  }

  size_t skip_digits() {
    const size_t begin = at_;
    while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9') ++at_;
    return at_ - begin;
  }

  // A whole number, true, false or null.
  bool skip_word() {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (json_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return true;
      }
    }
    if (at_ < json_.size() && json_[at_] == '-') ++at_;
    const size_t begin = at_;
    const size_t digits = skip_digits();
    if (digits == 0 || (digits > 1 && json_[begin] == '0')) return false;
    if (at_ < json_.size() && json_[at_] == '.') {
      ++at_;
      if (skip_digits() == 0) return false;
    }
    return at_ < json_.size() && json_[at_] != 'e' && json_[at_] != 'E';
  }

  std::string_view json_;
  size_t at_ = 0;
  std::string name_, text_;
};

}  // namespace

bool read_plain_object(std::string_view json, std::span<const std::string> names,
                       std::vector<std::optional<std::string>>& values) {
  values.assign(names.size(), std::nullopt);
  return ObjectScanner(json).scan(names, values);
}

}  // namespace onmal
