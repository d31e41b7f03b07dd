#include "tokenizer/bpe_tokenizer.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kMostPieces = size_t{1} << 24;
constexpr int32_t kNoToken = -2;  // stands for a byte without a token; apply_merges uses -1

[[noreturn]] void refuse_bpe(const std::string& what) {
  throw Error(ErrorCode::kBadFile, "tokenizer", what);
}

}  // namespace

void BpeTokenizer::check_ids() const {
  const auto count = static_cast<int32_t>(definition_.pieces.size());
  if (definition_.pieces.empty() || definition_.pieces.size() > kMostPieces)
    refuse_bpe("the vocabulary is empty or too large");
  const auto known = [&](int32_t id) { return id >= 0 && id < count; };
  for (const int32_t id : definition_.special_ids) {
    if (!known(id) || definition_.pieces[static_cast<size_t>(id)].empty())
      refuse_bpe("a special token has no text");
  }
  std::vector<int32_t> others = {definition_.begin_id, definition_.end_id, definition_.pad_id,
                                 definition_.unknown_id, definition_.separator_id};
  const TextRules& rules = definition_.rules;
  others.insert(others.end(), rules.prefix.begin(), rules.prefix.end());
  others.insert(others.end(), rules.suffix.begin(), rules.suffix.end());
  for (const AddedToken& token : rules.added) {
    if (!known(token.id)) refuse_bpe("an added token is outside the vocabulary");
  }
  for (const int32_t id : others) {
    if (id != -1 && !known(id))
      refuse_bpe("a special token's id " + std::to_string(id) + " is outside the vocabulary");
  }
}

TextRules BpeTokenizer::complete_rules() const {
  TextRules rules = definition_.rules;
  std::vector<bool> there(definition_.pieces.size(), false);
  for (const AddedToken& token : rules.added) there[static_cast<size_t>(token.id)] = true;
  for (const int32_t id : definition_.special_ids) {
    if (there[static_cast<size_t>(id)]) continue;
    AddedToken token;
    token.id = id;
    token.text = definition_.pieces[static_cast<size_t>(id)];
    rules.added.push_back(std::move(token));
  }
  const auto put = [](bool wanted, int32_t id, std::vector<int32_t>& place) {
    if (wanted && id >= 0) place.push_back(id);
  };
  if (rules.prefix.empty()) put(definition_.add_begin, definition_.begin_id, rules.prefix);
  if (rules.suffix.empty()) put(definition_.add_end, definition_.end_id, rules.suffix);
  return rules;
}

BpeTokenizer::BpeTokenizer(BpeDefinition definition)
    : definition_(std::move(definition)),
      merges_(definition_.merges.size()),
      special_(definition_.pieces.size(), false) {
  check_ids();
  const auto count = static_cast<int32_t>(definition_.pieces.size());
  const auto known = [&](int32_t id) { return id >= 0 && id < count; };
  for (const int32_t id : definition_.special_ids) special_[static_cast<size_t>(id)] = true;
  pipeline_ = TextPipeline(complete_rules(), definition_.has_steps
                                                 ? Pretokenizer(definition_.pretokenizer_steps)
                                                 : Pretokenizer(definition_.pretokenizer));
  ids_.reserve(definition_.pieces.size());
  for (int32_t id = 0; id < count; ++id)
    ids_.emplace(definition_.pieces[static_cast<size_t>(id)], id);
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids_.find(std::string(1, static_cast<char>(byte)));
    if (found == ids_.end() && !definition_.partial_alphabet)
      refuse_bpe("byte " + std::to_string(byte) +
                 " has no token, so not every text can be encoded");
    byte_ids_[static_cast<size_t>(byte)] = found == ids_.end() ? kNoToken : found->second;
  }
  int32_t rank = 0;
  std::vector<int32_t> made;  // by each merge
  for (const auto& [left, right] : definition_.merges) {
    if (!known(left) || !known(right))
      refuse_bpe("merge " + std::to_string(rank) + " names an unknown token");
    const auto merged = ids_.find(definition_.pieces[static_cast<size_t>(left)] +
                                  definition_.pieces[static_cast<size_t>(right)]);
    if (merged == ids_.end())
      refuse_bpe("merge " + std::to_string(rank) + " makes a token that is not in the vocabulary");
    merges_.insert(left, right, {rank, merged->second});
    made.push_back(merged->second);
    ++rank;
  }
  find_cuts(made);
}

std::string_view BpeTokenizer::piece(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer",
                "token id " + std::to_string(id) + " is outside the vocabulary of " +
                    std::to_string(vocab_size()));
  }
  return definition_.pieces[static_cast<size_t>(id)];
}

bool BpeTokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && special_[static_cast<size_t>(id)];
}

int32_t BpeTokenizer::find(std::string_view text) const {
  const auto found = ids_.find(std::string(text));
  return found == ids_.end() ? -1 : found->second;
}

void BpeTokenizer::find_cuts(std::span<const int32_t> made) {
  const auto crosses_words = [&](int32_t id) {
    const std::string& piece = definition_.pieces[static_cast<size_t>(id)];
    for (size_t i = 1; i < piece.size(); ++i) {
      const bool before = piece[i - 1] == ' ' || piece[i - 1] == '\n' || piece[i - 1] == '\t' ||
                          piece[i - 1] == '\r';
      if (piece[i] == ' ' && !before) return true;
    }
    return false;
  };
  // Stretches taken whole and bytes dropped need more than merging: one stage, nothing cut.
  cuts_words_ = !definition_.ignore_merges && !definition_.partial_alphabet;
  first_stage_ = static_cast<int32_t>(made.size());
  if (!cuts_words_) return;
  const auto first = std::find_if(made.begin(), made.end(), crosses_words) - made.begin();
  first_stage_ = static_cast<int32_t>(first);
  const std::span<const std::pair<int32_t, int32_t>> merges = definition_.merges;
  const auto in_words = static_cast<size_t>(first);
  joined_in_word_ = AdjacentPairs(definition_.pieces, merges.first(in_words), made.first(in_words));
  if (in_words == merges.size()) return;
  joined_ = AdjacentPairs(definition_.pieces, merges, made);
  find_joinable_pairs(made);
}

void BpeTokenizer::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  if (definition_.ignore_merges) {
    const auto found = ids_.find(std::string(word));
    if (found != ids_.end() && !special_[static_cast<size_t>(found->second)]) {
      ids.push_back(found->second);
      return;
    }
  }
  std::vector<int32_t> symbols(word.size());
  std::transform(word.begin(), word.end(), symbols.begin(),
                 [&](char c) { return byte_ids_[static_cast<uint8_t>(c)]; });
  apply_merges(merges_, symbols, first_stage_);
  if (definition_.partial_alphabet) {
    if (definition_.unknown_id >= 0)
      std::replace(symbols.begin(), symbols.end(), kNoToken, definition_.unknown_id);
    std::erase(symbols, kNoToken);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

// Merges that may still apply to first-stage tokens: those of the second stage, and those of the
// first with a part that one of these makes.
void BpeTokenizer::find_joinable_pairs(std::span<const int32_t> all_made) {
  std::vector<bool> is_made(definition_.pieces.size(), false);
  std::vector<bool> taken(definition_.merges.size(), false);
  std::vector<std::pair<int32_t, int32_t>> merges;
  std::vector<int32_t> made;
  for (size_t before = 1; before != merges.size();) {
    before = merges.size();
    for (size_t rank = 0; rank < taken.size(); ++rank) {
      const auto& [left, right] = definition_.merges[rank];
      const bool late = static_cast<int32_t>(rank) >= first_stage_;
      if (taken[rank] ||
          !(late || is_made[static_cast<size_t>(left)] || is_made[static_cast<size_t>(right)]))
        continue;
      taken[rank] = true;
      merges.emplace_back(left, right);
      made.push_back(all_made[rank]);
      is_made[static_cast<size_t>(made.back())] = true;
    }
  }
  joinable_ = JoinablePairs(merges, made);
}

void BpeTokenizer::join_row(std::span<int32_t> row, std::vector<int32_t>& ids) const {
  const size_t count = apply_merges(merges_, row);
  ids.insert(ids.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(count));
}

void BpeTokenizer::join_words(std::vector<int32_t>& symbols, const Encoders& encoders,
                              std::vector<int32_t>& ids) const {
  size_t begin = 0;
  for (size_t i = 1; i <= symbols.size(); ++i) {
    if (i < symbols.size() && joinable_.may_join(symbols[i - 1], symbols[i])) continue;
    if (i - begin == 1) {
      ids.push_back(symbols[begin]);
    } else {
      encoders.row(std::span(symbols).subspan(begin, i - begin), ids);
    }
    begin = i;
  }
}

void BpeTokenizer::encode_stretch(std::string_view stretch, const Encoders& encoders,
                                  std::vector<int32_t>& ids) const {
  std::string bytes;
  if (definition_.mapped_text && alphabet_.read(stretch, bytes)) stretch = bytes;
  const bool one_stage = static_cast<size_t>(first_stage_) == definition_.merges.size();
  constexpr size_t kShort = 16;  // bytes that are looked up whole when there is one stage alone
  if (one_stage && (!cuts_words_ || stretch.size() <= kShort)) return encoders.word(stretch, ids);
  std::vector<int32_t> symbols;
  size_t word = 0;
  AdjacentPairs::Walk walk(stretch);
  while (walk.next()) {
    if (joined_in_word_.may_join(walk)) continue;
    encoders.word(stretch.substr(word, walk.at() - word), symbols);
    word = walk.at();
    if (one_stage || joined_.may_join(walk)) continue;
    join_words(symbols, encoders, ids);
    symbols.clear();
  }
  if (word < stretch.size()) encoders.word(stretch.substr(word), symbols);
  if (one_stage) {
    ids.insert(ids.end(), symbols.begin(), symbols.end());
  } else {
    join_words(symbols, encoders, ids);
  }
}

void BpeTokenizer::encode_with(std::string_view text, const EncodeOptions& options,
                               const Encoders& encoders, std::vector<int32_t>& ids) const {
  pipeline_.encode(
      text, options,
      [&](std::string_view stretch, std::vector<int32_t>& out) {
        encode_stretch(stretch, encoders, out);
      },
      ids);
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text,
                                          const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  const auto word = [&](std::string_view part, std::vector<int32_t>& out) {
    encode_word(part, out);
  };
  const auto row = [&](std::span<int32_t> part, std::vector<int32_t>& out) { join_row(part, out); };
  encode_with(text, options, {word, row}, ids);
  return ids;
}

void BpeEncoder::encode_word(std::string_view word, std::vector<int32_t>& ids) {
  if (word.size() > WordCache::kLongestWord) return tokenizer_.encode_word(word, ids);
  const uint64_t hash = WordCache::hash_of(word);
  std::span<const int32_t> known;
  if (words_.find(word, hash, known)) {
    for (const int32_t id : known) ids.push_back(id);
    return;
  }
  symbols_.clear();
  tokenizer_.encode_word(word, symbols_);
  words_.insert(word, hash, symbols_);
  ids.insert(ids.end(), symbols_.begin(), symbols_.end());
}

void BpeEncoder::join_row(std::span<int32_t> row, std::vector<int32_t>& ids) {
  const std::string_view key(reinterpret_cast<const char*>(row.data()), row.size_bytes());
  if (key.size() > WordCache::kLongestWord) return tokenizer_.join_row(row, ids);
  const uint64_t hash = WordCache::hash_of(key);
  std::span<const int32_t> known;
  if (rows_.find(key, hash, known)) {
    for (const int32_t id : known) ids.push_back(id);
    return;
  }
  symbols_.assign(row.begin(), row.end());
  const size_t count = apply_merges(tokenizer_.merges_, std::span(symbols_));
  const std::span<const int32_t> joined = std::span(symbols_).first(count);
  rows_.insert(key, hash, joined);
  ids.insert(ids.end(), joined.begin(), joined.end());
}

void BpeEncoder::encode(std::string_view text, std::vector<int32_t>& ids) {
  const auto word = [&](std::string_view part, std::vector<int32_t>& out) {
    encode_word(part, out);
  };
  const auto row = [&](std::span<int32_t> part, std::vector<int32_t>& out) { join_row(part, out); };
  tokenizer_.encode_with(text, {}, {word, row}, ids);
}

}  // namespace onmal
