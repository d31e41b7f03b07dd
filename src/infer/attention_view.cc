#include "infer/attention_view.h"

#include <algorithm>

#include "base/error.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Where a unit ends, in bytes of the joined text.
std::vector<size_t> unit_ends(std::string_view text, AttentionUnits units) {
  enum class Kind { kNone, kSpace, kSyllable, kRun, kMark };
  std::vector<size_t> ends;
  Kind last = Kind::kNone;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    Kind kind = Kind::kMark;
    if (c.valid && is_white_space(c.code)) {
      kind = Kind::kSpace;
    } else if (units == AttentionUnits::kWord) {
      kind = Kind::kRun;
    } else if (c.valid && is_hangul_syllable(c.code)) {
      kind = Kind::kSyllable;
    } else if (!c.valid || is_word_character(c.code)) {
      kind = Kind::kRun;
    }
    const bool joins =
        last == Kind::kNone || last == Kind::kSpace || (last == Kind::kRun && kind == Kind::kRun);
    if (!joins) ends.push_back(i);
    last = kind;
    i += c.length;
  }
  // White space at the very end stands with what is before it.
  if (last == Kind::kSpace && !ends.empty()) ends.pop_back();
  if (!text.empty()) ends.push_back(text.size());
  return ends;
}

std::string without_spaces_around(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n\r");
  if (begin == std::string_view::npos) return std::string(text);
  return std::string(text.substr(begin, text.find_last_not_of(" \t\n\r") + 1 - begin));
}

// Units of the tokens [first, end), none of them special.
void map_stretch(const std::vector<AttentionToken>& tokens, size_t first, size_t end,
                 AttentionUnits units, UnitMap& out) {
  std::string text;
  for (size_t i = first; i < end; ++i) text += tokens[i].text;
  const std::vector<size_t> ends = unit_ends(text, units);
  const size_t base = out.labels.size();
  for (size_t u = 0; u < ends.size(); ++u) {
    const size_t begin = u > 0 ? ends[u - 1] : 0;
    out.labels.push_back(
        without_spaces_around(std::string_view(text).substr(begin, ends[u] - begin)));
  }
  size_t begin = 0;
  for (size_t i = first; i < end; ++i) {
    const size_t token_end = begin + tokens[i].text.size();
    std::vector<size_t> covered;
    for (size_t u = 0; u < ends.size(); ++u) {
      const size_t unit_begin = u > 0 ? ends[u - 1] : 0;
      if (unit_begin < std::max(token_end, begin + 1) && ends[u] > begin)
        covered.push_back(base + u);
    }
    // A token without text stands with what was last.
    if (covered.empty()) {
      if (out.labels.empty()) out.labels.emplace_back();
      covered.push_back(out.labels.size() - 1);
    }
    out.units_of_token.push_back(std::move(covered));
    begin = token_end;
  }
}

}  // namespace

UnitMap map_units(const std::vector<AttentionToken>& tokens, AttentionUnits units) {
  UnitMap out;
  for (size_t i = 0; i < tokens.size();) {
    if (units == AttentionUnits::kToken || tokens[i].special) {
      out.units_of_token.push_back({out.labels.size()});
      out.labels.push_back(tokens[i].text);
      ++i;
      continue;
    }
    size_t end = i;
    while (end < tokens.size() && !tokens[end].special) ++end;
    map_stretch(tokens, i, end, units, out);
    i = end;
  }
  return out;
}

AttentionMap group_attention(const AttentionMap& map, const UnitMap& units) {
  ONMAL_ASSERT(static_cast<size_t>(map.queries) == units.units_of_token.size() &&
               map.queries == map.keys);
  const size_t count = units.labels.size();
  std::vector<double> tokens_of_unit(count);
  for (const std::vector<size_t>& covered : units.units_of_token) {
    for (const size_t unit : covered) tokens_of_unit[unit] += 1;
  }
  AttentionMap out = map;
  out.queries = out.keys = static_cast<int64_t>(count);
  out.weights.assign(map.heads.size() * count * count, 0.0F);
  std::vector<double> sums(count * count);
  for (size_t head = 0; head < map.heads.size(); ++head) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (size_t query = 0; query < units.units_of_token.size(); ++query) {
      for (size_t key = 0; key < units.units_of_token.size(); ++key) {
        const std::vector<size_t>& keys = units.units_of_token[key];
        const double part = static_cast<double>(map.at(head, static_cast<int64_t>(query),
                                                       static_cast<int64_t>(key))) /
                            static_cast<double>(keys.size());
        for (const size_t row : units.units_of_token[query]) {
          for (const size_t column : keys) sums[row * count + column] += part / tokens_of_unit[row];
        }
      }
    }
    for (size_t i = 0; i < sums.size(); ++i)
      out.weights[head * count * count + i] = static_cast<float>(sums[i]);
  }
  return out;
}

}  // namespace onmal
