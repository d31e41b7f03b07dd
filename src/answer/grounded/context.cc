#include "answer/grounded/context.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <random>

#include "base/ascii.h"
#include "base/error.h"
#include "base/rng.h"
#include "text/sentences.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr uint64_t kWidestGap = 4;       // bytes of white space between neighbouring passages
constexpr size_t kLongestHeader = 160;   // characters
constexpr int64_t kLeastCutTokens = 24;  // less of a passage is not worth a number

// Rare, of one token in most vocabularies.
constexpr std::array<std::string_view, 8> kMarks = {"¦", "¬", "¤", "ˆ", "‡", "†", "¶", "▏"};

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// White space aside, the same.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c)) out += c;
  }
  return out;
}

// Characters that a reader does not see: controls, zero width, direction, variation and tags.
bool is_invisible(uint32_t code) {
  const auto within = [code](uint32_t first, uint32_t last) {
    return code >= first && code <= last;
  };
  if (code == '\n' || code == '\t') return false;
  return code < 0x20 || within(0x7F, 0x9F) || code == 0xAD || code == 0x34F || code == 0x61C ||
         within(0x180B, 0x180F) || within(0x200B, 0x200F) || within(0x202A, 0x202E) ||
         within(0x2060, 0x206F) || within(0xFE00, 0xFE0F) || code == 0xFEFF ||
         within(0xFFF9, 0xFFFB) || within(0xE0000, 0xE0FFF) || within(0xE000, 0xF8FF);
}

// "[12]" at `at`: its length; 0 where there is none.
size_t bracketed_number(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (is_ascii_digit(text[end]) || text[end] == ' ' || text[end] == ','))
    ++end;
  return end > at + 1 && end < text.size() && text[end] == ']' ? end + 1 - at : 0;
}

class Joiner {
 public:
  explicit Joiner(std::span<const Passage> passages) : passages_(passages) {}

  // Blocks of the passages chosen, each named by its best one, in the order of those.
  std::vector<ContextBlock> blocks(std::span<const size_t> chosen) const {
    std::vector<size_t> by_place(chosen.begin(), chosen.end());
    std::stable_sort(by_place.begin(), by_place.end(), [&](size_t a, size_t b) {
      const Passage& x = passages_[a];
      const Passage& y = passages_[b];
      if (x.document != y.document) return x.document < y.document;
      if (x.source != y.source) return x.source < y.source;
      return x.begin < y.begin;
    });
    std::vector<std::pair<size_t, ContextBlock>> ranked;  // by the best passage's index
    uint64_t end = 0;
    for (const size_t i : by_place) {
      const Passage& passage = passages_[i];
      if (!ranked.empty() && joins(ranked.back().second, end, passage)) {
        append(ranked.back().second, end, i);
        ranked.back().first = std::min(ranked.back().first, i);
        end = std::max(end, passage.end);
        continue;
      }
      ranked.emplace_back(i, begin_block(i));
      end = passage.end;
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<ContextBlock> result;
    for (auto& [rank, block] : ranked) {
      block.id = static_cast<int64_t>(result.size()) + 1;
      result.push_back(std::move(block));
    }
    return result;
  }

 private:
  ContextBlock begin_block(size_t i) const {
    const Passage& passage = passages_[i];
    ContextBlock block;
    block.document = passage.document;
    block.source = passage.source;
    block.title = passage.title;
    block.headings = passage.headings;
    block.text = passage.text;
    block.score = passage.score;
    block.segments = {{0, passage.begin_character, passage.page, i}};
    return block;
  }

  // What both claim of the document must be the same text.
  static bool joins(const ContextBlock& block, uint64_t end, const Passage& passage) {
    if (block.document != passage.document || block.source != passage.source) return false;
    if (passage.end - passage.begin != passage.text.size()) return false;
    if (passage.begin >= end) return passage.begin - end <= kWidestGap;
    const uint64_t shared = std::min(end, passage.end) - passage.begin;
    const uint64_t back = end - passage.begin;
    return back <= block.text.size() &&
           std::string_view(block.text).substr(block.text.size() - back, shared) ==
               std::string_view(passage.text).substr(0, shared);
  }

  void append(ContextBlock& block, uint64_t end, size_t i) const {
    const Passage& passage = passages_[i];
    block.score = std::max(block.score, passage.score);
    if (passage.end <= end) return;
    const uint64_t shared = passage.begin < end ? end - passage.begin : 0;
    if (passage.begin > end) block.text += "\n";
    const std::string_view text = passage.text;
    const auto skipped = static_cast<int64_t>(count_characters(text.substr(0, shared)));
    block.segments.push_back(
        {block.text.size(), passage.begin_character + skipped, passage.page, i});
    block.text += text.substr(shared);
  }

  std::span<const Passage> passages_;
};

// Indices of the passages whose text no better one has.
std::vector<size_t> without_duplicates(std::span<const Passage> passages) {
  std::vector<size_t> kept;
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < passages.size(); ++i) {
    std::string text = squeezed(passages[i].text);
    if (!text.empty() && seen.emplace(std::move(text), i).second) kept.push_back(i);
  }
  return kept;
}

// File name, page and headings in a line, cut where it goes on.
std::string header_of(const ContextBlock& block) {
  const size_t slash = block.source.find_last_of("/\\");
  std::string line = slash == std::string::npos ? block.source : block.source.substr(slash + 1);
  const int64_t page = block.page_at(0);
  if (page > 0) line += " · p. " + std::to_string(page);
  if (block.headings.empty() && !block.title.empty()) line += " · " + block.title;
  for (size_t i = 0; i < block.headings.size(); ++i)
    line += (i == 0 ? " · " : " › ") + block.headings[i];
  std::replace(line.begin(), line.end(), '\n', ' ');
  size_t characters = 0;
  size_t at = 0;
  while (at < line.size() && characters++ < kLongestHeader) at += read_utf8(line, at).length;
  return at < line.size() ? line.substr(0, at) + "…" : line;
}

// What a document says, as the model is shown it.
std::string shown_text(std::string_view text, PassageMarks marks, const std::string& mark) {
  if (marks == PassageMarks::kOff) return std::string(text);
  const std::string harmless = harmless_text(text);
  if (marks == PassageMarks::kNone) return harmless;
  std::string out = marks == PassageMarks::kLines ? mark + " " : mark;
  for (size_t at = 0; at < harmless.size(); ++at) {
    const char c = harmless[at];
    if (marks == PassageMarks::kWords && is_space(c)) {
      if (at == 0 || !is_space(harmless[at - 1])) out += mark;
      continue;
    }
    out += c;
    if (marks == PassageMarks::kLines && c == '\n') out += mark + " ";
  }
  return out;
}

class Packer {
 public:
  Packer(std::span<const Passage> passages, const ContextOptions& options,
         FunctionRef<int64_t(std::string_view)> count_tokens)
      : passages_(passages), options_(options), joiner_(passages), count_tokens_(count_tokens) {
    choose_signs();
  }

  PackedContext run() {
    const std::vector<size_t> candidates = without_duplicates(passages_);
    std::vector<size_t> chosen;
    size_t next = 0;
    for (; next < candidates.size(); ++next) {
      chosen.push_back(candidates[next]);
      if (tokens_of(joiner_.blocks(chosen)) <= options_.budget_tokens) continue;
      chosen.pop_back();
      break;
    }
    context_.blocks = joiner_.blocks(chosen);
    context_.left_out = candidates.size() - next;
    if (next < candidates.size() && add_cut(candidates[next])) --context_.left_out;
    if (!context_.blocks.empty()) context_.text = shown(context_.blocks);
    context_.tokens = count_tokens_(context_.text);
    return std::move(context_);
  }

 private:
  bool occurs(std::string_view sign) const {
    const auto in = [&](const std::string& text) { return text.find(sign) != std::string::npos; };
    return std::any_of(passages_.begin(), passages_.end(), [&](const Passage& passage) {
      return in(passage.text) || in(passage.source) || in(passage.title) ||
             std::any_of(passage.headings.begin(), passage.headings.end(), in);
    });
  }

  void choose_signs() {
    if (options_.marks == PassageMarks::kOff) return;
    Rng rng(options_.seed != 0 ? options_.seed : std::random_device()());
    do {
      context_.fence.clear();
      for (int i = 0; i < 8; ++i) context_.fence += "0123456789abcdef"[rng.below(16)];
    } while (occurs(context_.fence));
    if (options_.marks == PassageMarks::kNone) return;
    const size_t first = rng.below(kMarks.size());
    for (size_t i = 0; i < kMarks.size(); ++i) {
      context_.mark = kMarks[(first + i) % kMarks.size()];
      if (!occurs(context_.mark)) return;
    }
    // Private characters are taken out of what is shown, so no passage can have one there.
    context_.mark.clear();
    append_utf8(static_cast<uint32_t>(0xE000 + rng.below(0x1000)), context_.mark);
  }

  std::string shown_block(const ContextBlock& block) const {
    const auto shown_as = [&](const std::string& text) {
      return shown_text(text, options_.marks, context_.mark);
    };
    return "[" + std::to_string(block.id) + "] " + shown_as(header_of(block)) + "\n" +
           shown_as(block.text) + "\n";
  }

  std::string shown(std::span<const ContextBlock> blocks) const {
    std::string text = "<<passages " + context_.fence + ">>\n";
    for (const ContextBlock& block : blocks) text += shown_block(block) + "\n";
    return text + "<<end of passages " + context_.fence + ">>";
  }

  // Each block is counted by itself: counts are kept from one try to the next.
  int64_t tokens_of(std::span<const ContextBlock> blocks) {
    int64_t total = counted(shown({}));
    for (const ContextBlock& block : blocks) total += counted(shown_block(block) + "\n");
    return total;
  }
  int64_t counted(const std::string& text) {
    const auto [entry, fresh] = counts_.emplace(text, 0);
    if (fresh) entry->second = count_tokens_(text);
    return entry->second;
  }

  // As many of its first sentences as fit, as a block of its own.
  bool add_cut(size_t index) {
    const int64_t used = tokens_of(context_.blocks);
    const int64_t left = options_.budget_tokens - used;
    if (left < kLeastCutTokens && !context_.blocks.empty()) return false;
    ContextBlock block = joiner_.blocks(std::span(&index, 1)).front();
    block.id = static_cast<int64_t>(context_.blocks.size()) + 1;
    const std::string whole = block.text;
    const std::vector<TextSpan> sentences = split_sentences(whole);
    size_t fitting = 0;
    size_t too_many = sentences.size() + 1;
    while (fitting + 1 < too_many) {
      const size_t middle = fitting + (too_many - fitting) / 2;
      block.text = whole.substr(0, sentences[middle - 1].end);
      if (counted(shown_block(block) + "\n") <= left) {
        fitting = middle;
      } else {
        too_many = middle;
      }
    }
    if (fitting == 0) return false;
    block.text = whole.substr(0, sentences[fitting - 1].end);
    block.cut = block.text.size() < whole.size();
    context_.blocks.push_back(std::move(block));
    return true;
  }

  std::span<const Passage> passages_;
  const ContextOptions& options_;
  Joiner joiner_;
  FunctionRef<int64_t(std::string_view)> count_tokens_;
  std::map<std::string, int64_t> counts_;
  PackedContext context_;
};

}  // namespace

int64_t ContextBlock::character_at(size_t byte) const {
  const auto behind = std::find_if(segments.begin(), segments.end(),
                                   [&](const ContextSegment& s) { return s.begin > byte; });
  ONMAL_ASSERT(behind != segments.begin() && byte <= text.size());
  const ContextSegment& segment = *(behind - 1);
  return segment.begin_character +
         static_cast<int64_t>(
             count_characters(std::string_view(text).substr(segment.begin, byte - segment.begin)));
}

int64_t ContextBlock::page_at(size_t byte) const {
  int64_t page = 0;
  for (const ContextSegment& segment : segments) {
    if (segment.begin <= byte) page = segment.page;
  }
  return page;
}

std::string harmless_text(std::string_view text) {
  std::string visible;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.valid && !is_invisible(c.code)) visible.append(text.substr(at, c.length));
    at += c.length;
  }
  std::string out;
  for (size_t at = 0; at < visible.size();) {
    const size_t number = visible[at] == '[' ? bracketed_number(visible, at) : 0;
    if (number > 0) {
      out += "(" + visible.substr(at + 1, number - 2) + ")";
      at += number;
      continue;
    }
    out += visible[at];
    if (visible[at] == '<' && at + 1 < visible.size() && visible[at + 1] == '|') out += ' ';
    ++at;
  }
  return out;
}

PackedContext pack_context(std::span<const Passage> passages, const ContextOptions& options,
                           FunctionRef<int64_t(std::string_view text)> count_tokens) {
  if (options.budget_tokens < 1) {
    throw Error(ErrorCode::kInvalidArgument, "passages",
                "there is no room for them in the model's context",
                "ask for a longer context or a shorter answer");
  }
  return Packer(passages, options, count_tokens).run();
}

PackedContext join_passages(std::span<const Passage> passages) {
  PackedContext context;
  context.blocks = Joiner(passages).blocks(without_duplicates(passages));
  return context;
}

}  // namespace onmal
