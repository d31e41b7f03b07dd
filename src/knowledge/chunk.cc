#include "knowledge/chunk.h"

#include <algorithm>

#include "base/error.h"
#include "text/hangul.h"
#include "text/sentences.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// The smallest stretch that passages are put together from.
struct Unit {
  uint64_t begin;
  uint64_t end;
  int64_t tokens;
  int64_t page;
  bool heading;
  uint8_t level;  // of a heading
};

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

class Cutter {
 public:
  Cutter(const Document& document, const ChunkOptions& options, CountTokens count)
      : document_(document), text_(document.text), options_(options), count_(count) {}

  std::vector<Chunk> run() {
    if (document_.blocks.empty()) {
      add_block({BlockKind::kParagraph, 0, 0, text_.size()});
    } else {
      uint64_t done = 0;
      for (const Block& block : document_.blocks) {
        // Text that no block claims is kept all the same.
        if (block.begin > done) add_block({BlockKind::kParagraph, 0, done, block.begin});
        add_block(block);
        done = std::max(done, block.end);
      }
      if (done < text_.size()) add_block({BlockKind::kParagraph, 0, done, text_.size()});
    }
    join_units();
    return std::move(chunks_);
  }

 private:
  void add_block(Block block) {
    trim(block.begin, block.end);
    if (block.begin >= block.end) return;
    if (block.kind == BlockKind::kHeading) {
      return add_unit(block.begin, block.end, true, block.level);
    }
    const bool whole = block.kind == BlockKind::kTableRow || block.kind == BlockKind::kListItem ||
                       block.kind == BlockKind::kCode;
    if (whole && tokens(block.begin, block.end) <= options_.most_tokens)
      return add_unit(block.begin, block.end, false, 0);
    add_sentences(block);
  }

  // A sentence's unit reaches to the next one, so that list markers between them are kept.
  void add_sentences(const Block& block) {
    const std::vector<TextSpan> sentences =
        split_sentences(text_.substr(block.begin, block.end - block.begin));
    uint64_t begin = block.begin;
    for (size_t i = 0; i < sentences.size(); ++i) {
      const uint64_t end = i + 1 < sentences.size() ? block.begin + sentences[i].end : block.end;
      add_pieces(begin, end);
      begin = end;
    }
    if (sentences.empty()) add_pieces(begin, block.end);
  }

  // Halves what is too long, at white space near the middle, else between two characters.
  void add_pieces(uint64_t begin, uint64_t end) {
    trim(begin, end);
    if (begin >= end) return;
    if (tokens(begin, end) <= options_.most_tokens || count_characters(sub(begin, end)) < 2)
      return add_unit(begin, end, false, 0);
    uint64_t middle = begin + (end - begin) / 2;
    while (middle > begin && (static_cast<uint8_t>(text_[middle]) & 0xC0) == 0x80) --middle;
    if (middle == begin) middle += read_utf8(text_, begin).length;
    for (uint64_t back = middle; back > begin + (end - begin) / 4; --back) {
      if (!is_space(text_[back])) continue;
      middle = back;
      break;
    }
    add_pieces(begin, middle);
    add_pieces(middle, end);
  }

  void add_unit(uint64_t begin, uint64_t end, bool heading, uint8_t level) {
    units_.push_back({begin, end, tokens(begin, end), page_of(document_, begin), heading, level});
  }

  void join_units() {
    for (size_t i = 0; i < units_.size();) {
      const size_t first = i;
      while (i < units_.size() && units_[i].heading) enter(units_[i++]);
      const size_t body = i;
      int64_t total = 0;
      for (size_t j = first; j < body; ++j) total += units_[j].tokens;
      while (i < units_.size() && !units_[i].heading &&
             (i == body || fits(units_[first], units_[i], total))) {
        total += units_[i].tokens;
        ++i;
      }
      emit(first, i);
      i = std::max(back_for_overlap(body, i), first + 1);
    }
  }

  bool fits(const Unit& first, const Unit& next, int64_t total) const {
    return total + next.tokens <= options_.most_tokens && next.page == first.page;
  }

  // Where the next passage begins: some sentences back when text of the same page follows.
  size_t back_for_overlap(size_t body, size_t end) const {
    if (end >= units_.size() || units_[end].heading || units_[end].page != units_[end - 1].page)
      return end;
    size_t from = end;
    int64_t shared = 0;
    while (from > body + 1 && shared + units_[from - 1].tokens <= options_.overlap_tokens &&
           shared + units_[from - 1].tokens + units_[end].tokens <= options_.most_tokens) {
      --from;
      shared += units_[from].tokens;
    }
    return from;
  }

  void enter(const Unit& heading) {
    while (!trail_.empty() && trail_.back().level >= heading.level) trail_.pop_back();
    trail_.push_back(heading);
  }

  void emit(size_t first, size_t end) {
    Chunk chunk;
    chunk.begin = units_[first].begin;
    chunk.end = units_[end - 1].end;
    chunk.page = units_[first].page;
    for (const Unit& heading : trail_) {
      if (heading.begin < chunk.begin) chunk.headings.emplace_back(sub(heading.begin, heading.end));
    }
    chunks_.push_back(std::move(chunk));
  }

  std::string_view sub(uint64_t begin, uint64_t end) const {
    return text_.substr(begin, end - begin);
  }
  int64_t tokens(uint64_t begin, uint64_t end) const { return count_(sub(begin, end)); }
  void trim(uint64_t& begin, uint64_t& end) const {
    while (begin < end && is_space(text_[begin])) ++begin;
    while (end > begin && is_space(text_[end - 1])) --end;
  }

  const Document& document_;
  std::string_view text_;
  ChunkOptions options_;
  CountTokens count_;
  std::vector<Unit> units_;
  std::vector<Unit> trail_;  // the headings that hold at this place
  std::vector<Chunk> chunks_;
};

}  // namespace

int64_t estimate_tokens(std::string_view text) {
  int64_t syllables = 0;
  int64_t letters = 0;
  int64_t signs = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    at += c.length;
    const bool latin = (c.code >= 'a' && c.code <= 'z') || (c.code >= 'A' && c.code <= 'Z');
    if (c.code > 0x2FF) {
      ++syllables;
    } else if (latin) {
      ++letters;
    } else if (c.code > ' ') {
      ++signs;
    }
  }
  return (2 * syllables + 2) / 3 + (letters + 3) / 4 + signs;
}

std::vector<Chunk> chunk_document(const Document& document, const ChunkOptions& options,
                                  CountTokens count) {
  if (options.most_tokens < 16)
    throw Error(ErrorCode::kInvalidArgument, "chunk", "a passage needs at least 16 tokens");
  if (options.overlap_tokens < 0 || 2 * options.overlap_tokens > options.most_tokens) {
    throw Error(ErrorCode::kInvalidArgument, "chunk",
                "passages may share no tokens to half of them, not " +
                    std::to_string(options.overlap_tokens));
  }
  return Cutter(document, options, count).run();
}

}  // namespace onmal
