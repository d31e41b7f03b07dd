#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <tuple>

#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// The character that ends at `end`; npos of nothing is never asked for.
Utf8Char last_character(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(4, text.size()); ++back) {
    const Utf8Char c = read_utf8(text, text.size() - back);
    if (c.valid && c.length == back) return c;
  }
  return {static_cast<uint8_t>(text.back()), 1, false};
}

bool ends_with_word(std::string_view text) {
  if (text.empty()) return false;
  const Utf8Char c = last_character(text);
  return c.valid && is_word_character(c.code);
}

bool starts_with_word(std::string_view text) {
  if (text.empty()) return false;
  const Utf8Char c = read_utf8(text, 0);
  return c.valid && is_word_character(c.code);
}

size_t strip_right_end(std::string_view text, size_t end) {
  while (end < text.size()) {
    const Utf8Char c = read_utf8(text, end);
    if (!c.valid || !is_white_space(c.code)) break;
    end += c.length;
  }
  return end;
}

size_t strip_left_begin(std::string_view text, size_t begin, size_t least) {
  while (begin > least) {
    const Utf8Char c = last_character(text.substr(least, begin - least));
    if (!c.valid || !is_white_space(c.code)) break;
    begin -= c.length;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, AddedOrder order)
    : tokens_(std::move(tokens)), order_(order) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.text.empty(); });
  if (order == AddedOrder::kLongest) {
    std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
      return a.text.size() > b.text.size();
    });
  }
  for (size_t i = 0; i < tokens_.size(); ++i) {
    all_.insert(tokens_[i].text, static_cast<int32_t>(i));
    if (!tokens_[i].special) plain_.insert(tokens_[i].text, static_cast<int32_t>(i));
  }
}

std::vector<AddedTokens::Cut> AddedTokens::cut_leftmost(std::string_view text,
                                                        bool parse_special) const {
  std::vector<Cut> cuts;
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* found = nullptr;
    int32_t node = 0;
    for (size_t i = at; i < text.size(); ++i) {
      node = all_.step(node, static_cast<uint8_t>(text[i]));
      if (node == TokenTrie::kNone) break;
      if (const int32_t value = all_.value(node); value != TokenTrie::kNone)
        found = &tokens_[static_cast<size_t>(value)];
    }
    if (found == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at + found->text.size();
    at = end;
    if (found->special && !parse_special) continue;
    if (found->single_word &&
        (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end))))
      continue;
    if (begin < done) continue;  // inside white space that the one before has swallowed
    if (found->strip_left) begin = strip_left_begin(text, begin, done);
    if (found->strip_right) end = strip_right_end(text, end);
    cuts.push_back({begin, end, found->id});
    done = end;
  }
  return cuts;
}

// Each token in turn, from the longest on, cuts what the ones before it have left, from left to
// right. All occurrences are found first, so that the number of tokens does not matter.
std::vector<AddedTokens::Cut> AddedTokens::cut_longest(std::string_view text,
                                                       bool parse_special) const {
  const TokenTrie& tokens = trie(parse_special);
  std::vector<std::pair<int32_t, size_t>> matches;  // index in tokens_, place
  for (size_t at = 0; at < text.size(); ++at) {
    int32_t node = 0;
    for (size_t i = at; i < text.size(); ++i) {
      node = tokens.step(node, static_cast<uint8_t>(text[i]));
      if (node == TokenTrie::kNone) break;
      if (const int32_t value = tokens.value(node); value != TokenTrie::kNone)
        matches.emplace_back(value, at);
    }
  }
  std::sort(matches.begin(), matches.end());
  std::vector<Cut> cuts;
  if (matches.empty()) return cuts;
  std::vector<bool> taken(text.size(), false);
  for (const auto& [index, place] : matches) {
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    size_t begin = place;
    size_t end = place + token.text.size();
    bool is_free = true;
    for (size_t i = begin; i < end && is_free; ++i) is_free = !taken[i];
    if (!is_free) continue;
    const auto is_space = [&](size_t i) {
      return !taken[i] && (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'));
    };
    while (token.strip_left && begin > 0 && is_space(begin - 1)) --begin;
    while (token.strip_right && end < text.size() && is_space(end)) ++end;
    for (size_t i = begin; i < end; ++i) taken[i] = true;
    cuts.push_back({begin, end, token.id});
  }
  std::sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) { return a.begin < b.begin; });
  return cuts;
}

void AddedTokens::split(std::string_view text, bool parse_special,
                        FunctionRef<void(std::string_view)> plain,
                        FunctionRef<void(int32_t)> token) const {
  size_t begin = 0;
  if (!trie(parse_special).empty()) {
    const std::vector<Cut> cuts = order_ == AddedOrder::kLeftmost
                                      ? cut_leftmost(text, parse_special)
                                      : cut_longest(text, parse_special);
    for (const Cut& cut : cuts) {
      if (cut.begin > begin) plain(text.substr(begin, cut.begin - begin));
      token(cut.id);
      begin = cut.end;
    }
  }
  if (begin < text.size()) plain(text.substr(begin));
}

}  // namespace onmal
