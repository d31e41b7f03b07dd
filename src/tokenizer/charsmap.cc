#include "tokenizer/charsmap.h"

#include "base/error.h"

namespace onmal {
namespace {

uint32_t read_u32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i)
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  return value;
}

uint32_t label_of(uint32_t unit) { return unit & (0x80000000U | 0xFF); }
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }

}  // namespace

Charsmap::Charsmap(std::string_view blob, const std::string& where) : blob_(blob) {
  const size_t trie_bytes = blob.size() < 4 ? 0 : read_u32(blob, 0);
  if (blob.size() < 8 || trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > blob.size() - 4)
    throw Error(ErrorCode::kBadFile, where, "the precompiled character map is cut or malformed");
  units_.reserve(trie_bytes / 4);
  for (size_t at = 4; at < 4 + trie_bytes; at += 4) units_.push_back(read_u32(blob, at));
}

std::string_view Charsmap::replacements() const {
  return std::string_view(blob_).substr(4 + units_.size() * 4);
}

Charsmap::Match Charsmap::find(std::string_view text, bool shortest) const {
  Match match;
  size_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size()) break;
    const uint32_t unit = units_[node];
    if (label_of(unit) != byte) break;
    node ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (node >= units_.size()) break;
    const size_t place = units_[node] & 0x7FFFFFFFU;
    const std::string_view all = replacements();
    const size_t end = place < all.size() ? all.find('\0', place) : std::string_view::npos;
    if (end == std::string_view::npos) continue;
    match = {i + 1, all.substr(place, end - place)};
    if (shortest) break;
  }
  return match;
}

}  // namespace onmal
