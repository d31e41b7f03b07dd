#include "knowledge/lexical/postings.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "knowledge/lexical/variable_bytes.h"

namespace onmal {
namespace {

constexpr size_t kMostBounds = 4;
constexpr uint8_t kMostBits = 32;
constexpr uint32_t kMostCount = INT32_MAX;

size_t packed_bytes(uint8_t bits) { return kPostingsBlock / 8 * bits; }

uint8_t bits_of(std::span<const uint32_t> values) {
  uint32_t all = 0;
  for (const uint32_t value : values) all |= value;
  return static_cast<uint8_t>(std::bit_width(all));
}

void pack(std::span<const uint32_t> values, uint8_t bits, std::string& out) {
  uint64_t buffer = 0;
  unsigned filled = 0;
  for (const uint32_t value : values) {
    buffer |= uint64_t{value} << filled;
    for (filled += bits; filled >= 8; filled -= 8, buffer >>= 8)
      out.push_back(static_cast<char>(buffer));
  }
}

// `bytes`: packed_bytes(bits) of them and eight more that may be read.
void unpack(const unsigned char* bytes, uint8_t bits, std::span<uint32_t, kPostingsBlock> values) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  size_t at = 0;
  for (uint32_t& value : values) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + at / 8, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    value = static_cast<uint32_t>(word >> (at % 8) & mask);
    at += bits;
  }
}

// The corners of the postings' counts and lengths: ascending in both. Where there are more than
// kMostBounds, neighbours that differ least in length are joined.
std::vector<PostingsBound> bounds_of(std::span<const uint32_t> numbers,
                                     std::span<const uint32_t> counts,
                                     std::span<const uint32_t> lengths) {
  std::vector<PostingsBound> sorted;
  for (size_t i = 0; i < numbers.size(); ++i) sorted.push_back({counts[i], lengths[numbers[i]]});
  std::sort(sorted.begin(), sorted.end(), [](const PostingsBound& a, const PostingsBound& b) {
    return a.length != b.length ? a.length < b.length : a.count > b.count;
  });
  std::vector<PostingsBound> bounds;
  for (const PostingsBound& bound : sorted) {
    if (bounds.empty() || bound.count > bounds.back().count) bounds.push_back(bound);
  }
  while (bounds.size() > kMostBounds) {
    size_t closest = 0;
    for (size_t i = 1; i + 1 < bounds.size(); ++i) {
      const auto ratio = [&](size_t at) {
        return static_cast<double>(bounds[at + 1].length) / (bounds[at].length + 1.0);
      };
      if (ratio(i) < ratio(closest)) closest = i;
    }
    bounds[closest].count = bounds[closest + 1].count;
    bounds.erase(bounds.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
  }
  return bounds;
}

void append_loose(std::span<const uint32_t> numbers, std::span<const uint32_t> counts,
                  uint64_t first, std::string& out) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    append_variable((numbers[i] - first) << 1 | (counts[i] == 1 ? 1 : 0), out);
    if (counts[i] != 1) append_variable(counts[i] - uint64_t{2}, out);
    first = uint64_t{numbers[i]} + 1;
  }
}

}  // namespace

std::string encode_postings(std::span<const uint32_t> numbers, std::span<const uint32_t> counts,
                            std::span<const uint32_t> lengths) {
  ONMAL_ASSERT(numbers.size() == counts.size());
  for (const uint32_t count : counts) ONMAL_ASSERT(count > 0 && count <= kMostCount);
  std::string out;
  append_variable(numbers.size(), out);
  if (numbers.size() < kPostingsBlock) {
    append_loose(numbers, counts, 0, out);
    return out;
  }
  std::string blocks;
  uint64_t first = 0;
  std::array<uint32_t, kPostingsBlock> steps, more;
  for (size_t begin = 0; begin < numbers.size(); begin += kPostingsBlock) {
    const size_t size = std::min(kPostingsBlock, numbers.size() - begin);
    const auto some = numbers.subspan(begin, size);
    const auto their_counts = counts.subspan(begin, size);
    append_variable(some.back() - first, out);
    if (size == kPostingsBlock) {
      uint64_t next = first;
      for (size_t i = 0; i < size; ++i) {
        steps[i] = static_cast<uint32_t>(some[i] - next);
        more[i] = their_counts[i] - 1;
        next = uint64_t{some[i]} + 1;
      }
      const uint8_t step_bits = bits_of(steps), count_bits = bits_of(more);
      out.push_back(static_cast<char>(step_bits));
      out.push_back(static_cast<char>(count_bits));
      pack(steps, step_bits, blocks);
      pack(more, count_bits, blocks);
    } else {
      append_loose(some, their_counts, first, blocks);
    }
    const std::vector<PostingsBound> bounds = bounds_of(some, their_counts, lengths);
    append_variable(bounds.size(), out);
    PostingsBound before;
    for (const PostingsBound& bound : bounds) {
      append_variable(bound.count - before.count, out);
      append_variable(bound.length - before.length, out);
      before = bound;
    }
    first = uint64_t{some.back()} + 1;
  }
  return out + blocks;
}

PostingsReader::PostingsReader(std::string_view bytes, size_t chunks, const std::string& where)
    : bytes_(bytes), chunks_(chunks), where_(&where) {
  read_directory();
}

void PostingsReader::read_directory() {
  VariableReader reader(bytes_, *where_);
  size_ = reader.number_up_to(chunks_);
  if (size_ == 0) reader.fail("has a term without chunks");
  if (size_ < kPostingsBlock) {
    blocks_.push_back(
        {static_cast<uint32_t>(chunks_ - 1), 0, bytes_.size() - reader.rest().size(), 0, 0});
    return;
  }
  const size_t count = (size_ + kPostingsBlock - 1) / kPostingsBlock;
  blocks_.reserve(count);
  bounds_.reserve(count * 2);
  uint64_t first = 0, place = 0;
  for (size_t i = 0; i < count; ++i) {
    Block block;
    const uint64_t last = first + reader.number_up_to(chunks_);
    if (last >= chunks_) reader.fail("names a chunk that its segment has not");
    block.last = static_cast<uint32_t>(last);
    block.place = place;
    if ((i + 1) * kPostingsBlock <= size_) {
      block.step_bits = reader.byte();
      block.count_bits = reader.byte();
      if (block.step_bits > kMostBits || block.count_bits > kMostBits)
        reader.fail("packs numbers in too many bits");
      place += packed_bytes(block.step_bits) + packed_bytes(block.count_bits);
    }
    block.first_bound = static_cast<uint32_t>(bounds_.size());
    const uint64_t bounds = reader.number_up_to(kMostBounds);
    if (bounds == 0) reader.fail("has a block without a bound");
    PostingsBound bound;
    for (uint64_t j = 0; j < bounds; ++j) {
      bound.count += static_cast<uint32_t>(reader.number_up_to(UINT32_MAX - bound.count));
      bound.length += static_cast<uint32_t>(reader.number_up_to(UINT32_MAX - bound.length));
      bounds_.push_back(bound);
    }
    blocks_.push_back(block);
    first = last + 1;
  }
  const uint64_t directory = bytes_.size() - reader.rest().size();
  if (place > reader.rest().size()) reader.fail("ends too early");
  for (Block& block : blocks_) block.place += directory;
}

std::span<const PostingsBound> PostingsReader::bounds(size_t block) const {
  const size_t begin = blocks_[block].first_bound;
  const size_t end = block + 1 < blocks_.size() ? blocks_[block + 1].first_bound : bounds_.size();
  return std::span(bounds_).subspan(begin, end - begin);
}

size_t PostingsReader::find_block(uint32_t number, size_t from) const {
  const auto found =
      std::lower_bound(blocks_.begin() + static_cast<std::ptrdiff_t>(from), blocks_.end(), number,
                       [](const Block& block, uint32_t value) { return block.last < value; });
  return static_cast<size_t>(found - blocks_.begin());
}

void PostingsReader::read_loose(std::string_view bytes, uint64_t first, std::span<uint32_t> numbers,
                                std::span<uint32_t> counts) const {
  VariableReader reader(bytes, *where_);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint64_t step = reader.number();
    first += step >> 1;
    if (first >= chunks_) reader.fail("names a chunk that its segment has not");
    numbers[i] = static_cast<uint32_t>(first);
    counts[i] =
        (step & 1) != 0 ? 1 : static_cast<uint32_t>(reader.number_up_to(kMostCount - 2) + 2);
    ++first;
  }
  if (!reader.rest().empty()) reader.fail("goes on where postings end");
}

size_t PostingsReader::read(size_t block, std::span<uint32_t, kPostingsBlock> numbers,
                            std::span<uint32_t, kPostingsBlock> counts) const {
  const Block& place = blocks_[block];
  const uint64_t first = block == 0 ? 0 : uint64_t{blocks_[block - 1].last} + 1;
  const size_t size = std::min(kPostingsBlock, size_ - block * kPostingsBlock);
  if (size < kPostingsBlock) {
    read_loose(bytes_.substr(place.place), first, numbers.first(size), counts.first(size));
    // The directory's last number of a segment with little to say is only a limit.
    if (blocks_.size() > 1 && numbers[size - 1] != place.last)
      VariableReader({}, *where_).fail("has a block that ends elsewhere than it says");
    return size;
  }
  std::array<unsigned char, 16 * kMostBits + 8> packed;  // so that unpacking may read on
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(bytes_.data()) + place.place;
  std::memcpy(packed.data(), bytes, packed_bytes(place.step_bits));
  std::memset(packed.data() + packed_bytes(place.step_bits), 0, 8);
  unpack(packed.data(), place.step_bits, numbers);
  bytes += packed_bytes(place.step_bits);
  std::memcpy(packed.data(), bytes, packed_bytes(place.count_bits));
  std::memset(packed.data() + packed_bytes(place.count_bits), 0, 8);
  unpack(packed.data(), place.count_bits, counts);
  uint64_t next = first;
  for (size_t i = 0; i < kPostingsBlock; ++i) {
    next += numbers[i];
    numbers[i] = static_cast<uint32_t>(next++);
  }
  for (uint32_t& count : counts) {
    if (count >= kMostCount) VariableReader({}, *where_).fail("holds a number that is too large");
    ++count;
  }
  if (next != uint64_t{place.last} + 1)
    VariableReader({}, *where_).fail("has a block that ends elsewhere than it says");
  return kPostingsBlock;
}

}  // namespace onmal
