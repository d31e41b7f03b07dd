#include "text/edits.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kMostCells = size_t{1} << 28;

// costs[i * (to + 1) + j]: changed elements between from's rest behind i and to's rest behind j.
std::vector<uint32_t> rest_costs(std::span<const uint32_t> from, std::span<const uint32_t> to) {
  const size_t width = to.size() + 1;
  if ((from.size() + 1) > kMostCells / width) {
    throw Error(ErrorCode::kResource, "edits",
                "texts of " + std::to_string(from.size()) + " and " + std::to_string(to.size()) +
                    " characters are too long to compare",
                "give sentences");
  }
  std::vector<uint32_t> costs((from.size() + 1) * width);
  for (size_t i = from.size() + 1; i-- > 0;) {
    for (size_t j = width; j-- > 0;) {
      uint32_t& cost = costs[i * width + j];
      if (i == from.size()) {
        cost = static_cast<uint32_t>(to.size() - j);
      } else if (j == to.size()) {
        cost = static_cast<uint32_t>(from.size() - i);
      } else {
        const uint32_t replaced = costs[(i + 1) * width + j + 1] + (from[i] == to[j] ? 0 : 1);
        cost = std::min({replaced, costs[(i + 1) * width + j] + 1, costs[i * width + j + 1] + 1});
      }
    }
  }
  return costs;
}

struct Character {
  uint32_t code;
  size_t begin;
};

std::vector<Character> characters(std::string_view text) {
  std::vector<Character> result;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    // Bytes that are no UTF-8 are told from characters.
    result.push_back({c.valid ? c.code : 0x110000 + c.code, i});
    i += c.length;
  }
  return result;
}

std::vector<uint32_t> codes(const std::vector<Character>& text) {
  std::vector<uint32_t> result;
  for (const Character& c : text) result.push_back(c.code);
  return result;
}

}  // namespace

std::vector<SequenceEdit> find_sequence_edits(std::span<const uint32_t> from,
                                              std::span<const uint32_t> to) {
  // What both end with never changes; what they begin with neither.
  size_t front = 0;
  while (front < std::min(from.size(), to.size()) && from[front] == to[front]) ++front;
  const std::span<const uint32_t> a = from.subspan(front);
  const std::span<const uint32_t> b = to.subspan(front);
  const std::vector<uint32_t> costs = rest_costs(a, b);
  const size_t width = b.size() + 1;
  std::vector<SequenceEdit> edits;
  size_t i = 0;
  size_t j = 0;
  bool open = false;  // the last edit ends here
  while (i < a.size() || j < b.size()) {
    const uint32_t cost = costs[i * width + j];
    // Keep where that is as good as anything; so a change stands as far behind as it can.
    if (i < a.size() && j < b.size() && a[i] == b[j] && costs[(i + 1) * width + j + 1] == cost) {
      ++i;
      ++j;
      open = false;
      continue;
    }
    if (!open) edits.push_back({front + i, front + i, front + j, front + j});
    open = true;
    const bool replaces =
        i < a.size() && j < b.size() && costs[(i + 1) * width + j + 1] + 1 == cost;
    const bool removes = !replaces && i < a.size() && costs[(i + 1) * width + j] + 1 == cost;
    if (!removes) edits.back().to_end = front + ++j;
    if (removes || replaces) edits.back().end = front + ++i;
  }
  return edits;
}

std::vector<TextChange> find_text_changes(std::string_view from, std::string_view to) {
  const std::vector<Character> a = characters(from);
  const std::vector<Character> b = characters(to);
  const auto byte = [](const std::vector<Character>& text, size_t i, size_t size) {
    return i < text.size() ? text[i].begin : size;
  };
  std::vector<TextChange> changes;
  for (const SequenceEdit& edit : find_sequence_edits(codes(a), codes(b))) {
    const size_t to_begin = byte(b, edit.to_begin, to.size());
    const size_t to_end = byte(b, edit.to_end, to.size());
    changes.push_back({byte(a, edit.begin, from.size()), byte(a, edit.end, from.size()),
                       std::string(to.substr(to_begin, to_end - to_begin))});
  }
  return changes;
}

std::vector<TextChange> widen_to_words(std::string_view from, std::span<const TextChange> changes) {
  const std::vector<Character> text = characters(from);
  std::vector<TextChange> wide;
  for (const TextChange& change : changes) {
    const auto at = [&](size_t byte) {
      return static_cast<size_t>(
          std::lower_bound(text.begin(), text.end(), byte,
                           [](const Character& c, size_t b) { return c.begin < b; }) -
          text.begin());
    };
    size_t first = at(change.begin);
    size_t last = at(change.end);
    while (first > 0 && !is_white_space(text[first - 1].code)) --first;
    while (last < text.size() && !is_white_space(text[last].code)) ++last;
    const size_t begin = first < text.size() ? text[first].begin : from.size();
    const size_t end = last < text.size() ? text[last].begin : from.size();
    if (!wide.empty() && begin <= wide.back().end) {
      // The end of the last one was copied up to wide.back().end: put this change into it.
      TextChange& joined = wide.back();
      const size_t tail = joined.end - std::min(joined.end, change.begin);
      joined.to.resize(joined.to.size() - tail);
      if (change.begin > joined.end)
        joined.to += from.substr(joined.end, change.begin - joined.end);
      joined.to += change.to;
      joined.to += from.substr(change.end, end - change.end);
      joined.end = end;
      continue;
    }
    std::string to(from.substr(begin, change.begin - begin));
    to += change.to;
    to += from.substr(change.end, end - change.end);
    wide.push_back({begin, end, std::move(to)});
  }
  return wide;
}

std::string apply_changes(std::string_view from, std::span<const TextChange> changes) {
  std::string text;
  size_t done = 0;
  for (const TextChange& change : changes) {
    text += from.substr(done, change.begin - done);
    text += change.to;
    done = change.end;
  }
  return text += from.substr(done);
}

}  // namespace onmal
