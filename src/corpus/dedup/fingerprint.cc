#include "corpus/dedup/fingerprint.h"

#include <bit>
#include <cstring>

#include "corpus/dedup/normal_text.h"
#include "text/utf8_runs.h"

namespace onmal {
namespace {

// Any fixed key will do: fingerprints are not kept between versions.
constexpr uint64_t kKeyLow = 0x6F6E6D616C2D6465ULL;
constexpr uint64_t kKeyHigh = 0x6475702D6B657931ULL;

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t little_endian(const char* bytes, size_t count) {
  uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, bytes, count);
  } else {
    for (size_t i = 0; i < count; ++i) word |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return word;
}

bool is_any_space(uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return code <= 0x3000 && is_white_space(code);  // U+3000 is the last
}

// Behind the ASCII and Hangul with single spaces within that follow `position`.
size_t skip_plain_words(std::string_view text, size_t position, bool after_space) {
  const auto skip_to = [&](size_t end) {
    while (position < end) {
      const auto byte = static_cast<uint8_t>(text[position]);
      if (byte > ' ' && byte < 0x80) {
        ++position;
      } else if (byte >= 0x80 ? !is_hangul_at(text, position) : byte != ' ' || after_space) {
        return false;
      } else {
        position += byte == ' ' ? 1 : 3;
      }
      after_space = byte == ' ';
    }
    return true;
  };
  const size_t begin = position;
  if (text.size() - begin >= kBlockBytes + 4) {
    if (!skip_to(begin + 2)) return position;
    while (position + kBlockBytes <= text.size()) {
      const ByteBlock block = load_block(text.data() + position);
      const ByteBlock back = load_block(text.data() + position - 1);
      const ByteBlock space = (block < ' ') | ((block == ' ') & (back == ' '));
      if (any_of(not_ascii_or_hangul(text.data() + position) | space)) break;
      position += kBlockBytes;
    }
    position = without_cut_hangul(text, begin, position);
    after_space = text[position - 1] == ' ';
  }
  skip_to(text.size());
  return position;
}

// Joins words by single spaces.
class WordJoiner {
 public:
  explicit WordJoiner(std::string& joined) : joined_(joined) { joined_.clear(); }

  bool after_space() const { return gap_ || joined_.empty(); }
  void add_space() { gap_ = true; }
  // Words with single spaces within, perhaps one behind them.
  void add(std::string_view words) {
    const bool ends = words.ends_with(' ');
    if (ends) words.remove_suffix(1);
    if (!words.empty()) {
      if (gap_ && !joined_.empty()) joined_.push_back(' ');
      joined_.append(words);
      gap_ = false;
    }
    gap_ = gap_ || ends;
  }

 private:
  std::string& joined_;
  bool gap_ = false;
};

// False where some character may change.
bool join_plain_words(std::string_view text, std::string& buffer) {
  WordJoiner words(buffer);
  for (size_t i = 0; i < text.size();) {
    const size_t end = skip_plain_words(text, i, words.after_space());
    words.add(text.substr(i, end - i));
    if (end == text.size()) break;
    const Utf8Char c = read_character(text, end);
    if (!c.valid || !is_normal_character(c.code, NormalForm::kNfc)) return false;
    if (is_any_space(c.code))
      words.add_space();
    else
      words.add(text.substr(end, c.length));
    i = end + c.length;
  }
  return true;
}

void join_words(std::string_view text, std::string& buffer) {
  WordJoiner words(buffer);
  size_t word = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_character(text, i);
    if (c.valid && is_any_space(c.code)) {
      words.add(text.substr(word, i - word));
      words.add_space();
      word = i + c.length;
    }
    i += c.length;
  }
  words.add(text.substr(word));
}

}  // namespace

Fingerprint siphash128(std::string_view bytes, uint64_t key_low, uint64_t key_high) {
  SipState state{key_low ^ 0x736F6D6570736575ULL, key_high ^ 0x646F72616E646F6DULL ^ 0xEE,
                 key_low ^ 0x6C7967656E657261ULL, key_high ^ 0x7465646279746573ULL};
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) state.absorb(little_endian(bytes.data() + i, 8));
  state.absorb(little_endian(bytes.data() + i, bytes.size() - i) | uint64_t{bytes.size()} << 56);
  state.v2 ^= 0xEE;
  const uint64_t low = state.finish();
  state.v1 ^= 0xDD;
  return {state.finish(), low};
}

std::string normalize_for_equality(std::string_view text) {
  std::string buffer;
  return std::string(normalize_for_equality(text, buffer));
}

std::string_view normalize_for_equality(std::string_view text, std::string& buffer) {
  const bool ends = !text.empty() && text.back() != ' ';
  if (ends && skip_plain_words(text, 0, true) == text.size()) return text;
  buffer.reserve(text.size());
  if (join_plain_words(text, buffer)) return buffer;
  std::string composed;
  join_words(normalize_by_words(text, NormalForm::kNfc, composed), buffer);
  return buffer;
}

Fingerprint fingerprint_normalized(std::string_view text) {
  return siphash128(text, kKeyLow, kKeyHigh);
}

Fingerprint fingerprint_text(std::string_view text) {
  std::string buffer;
  return fingerprint_normalized(normalize_for_equality(text, buffer));
}

}  // namespace onmal
