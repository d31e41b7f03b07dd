#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// The bytes of a term's postings: which chunks of a segment hold it, and how often.
//   count                                     variable bytes, as all numbers but the packed ones
//   fewer than 128: for each posting the step from the number before, less 1, and a bit that says
//     whether the count is 1; else the count less 2 follows
//   otherwise blocks of 128, the last one of what is left. First for each block: the step to its
//     last number, for a full one a byte each with the bits of a step and of a count, and its
//     bounds; then the blocks: a full one the steps less 1, then the counts less 1, packed; the
//     last one as above.
constexpr size_t kPostingsBlock = 128;

// Every posting of a block has, for some bound of it, at most that count and at least that length;
// so a score that grows with the count and falls with the length is nowhere above the best of the
// bounds.
struct PostingsBound {
  uint32_t count = 0;
  uint32_t length = 0;
};

// `numbers` ascending, `counts` from 1 to INT32_MAX, as many; `lengths`: of all chunks of the
// segment, by number.
std::string encode_postings(std::span<const uint32_t> numbers, std::span<const uint32_t> counts,
                            std::span<const uint32_t> lengths);

// Reads such bytes block by block, in any order; blocks that nobody asks for are not looked at.
// Throws Error(kBadFile) naming `where` for bytes that are no such thing. Borrows its arguments.
class PostingsReader {
 public:
  // `chunks`: of the segment; all numbers lie below.
  PostingsReader(std::string_view bytes, size_t chunks, const std::string& where);

  size_t size() const { return size_; }
  size_t blocks() const { return blocks_.size(); }
  uint32_t last_number(size_t block) const { return blocks_[block].last; }
  // None when there are fewer than 128 postings in all: read them.
  std::span<const PostingsBound> bounds(size_t block) const;
  // The first block at `from` or later whose last number is not below `number`; blocks() when none
  // is.
  size_t find_block(uint32_t number, size_t from = 0) const;

  // Fills both with the postings of a block and returns how many there are.
  size_t read(size_t block, std::span<uint32_t, kPostingsBlock> numbers,
              std::span<uint32_t, kPostingsBlock> counts) const;

 private:
  struct Block {
    uint32_t last = 0;
    uint32_t first_bound = 0;
    uint64_t place = 0;  // of its bytes
    uint8_t step_bits = 0;
    uint8_t count_bits = 0;
  };
  void read_directory();
  void read_loose(std::string_view bytes, uint64_t first, std::span<uint32_t> numbers,
                  std::span<uint32_t> counts) const;

  std::string_view bytes_;
  size_t chunks_;
  const std::string* where_;
  size_t size_ = 0;
  std::vector<Block> blocks_;
  std::vector<PostingsBound> bounds_;
};

}  // namespace onmal
