#include "tokenizer/bpe_tokenizer.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kMostPieces = size_t{1} << 24;
constexpr int32_t kNoToken = -2;  // stands for a byte without a token; apply_merges uses -1

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kBadFile, "tokenizer", what);
}

}  // namespace

void BpeTokenizer::check_ids() const {
  const auto count = static_cast<int32_t>(definition_.pieces.size());
  if (definition_.pieces.empty() || definition_.pieces.size() > kMostPieces)
    refuse("the vocabulary is empty or too large");
  const auto known = [&](int32_t id) { return id >= 0 && id < count; };
  for (const int32_t id : definition_.special_ids) {
    if (!known(id) || definition_.pieces[static_cast<size_t>(id)].empty())
      refuse("a special token has no text");
  }
  std::vector<int32_t> others = {definition_.begin_id, definition_.end_id, definition_.pad_id,
                                 definition_.unknown_id, definition_.separator_id};
  const TextRules& rules = definition_.rules;
  others.insert(others.end(), rules.prefix.begin(), rules.prefix.end());
  others.insert(others.end(), rules.suffix.begin(), rules.suffix.end());
  for (const AddedToken& token : rules.added) {
    if (!known(token.id)) refuse("an added token is outside the vocabulary");
  }
  for (const int32_t id : others) {
    if (id != -1 && !known(id))
      refuse("a special token's id " + std::to_string(id) + " is outside the vocabulary");
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
      refuse("byte " + std::to_string(byte) + " has no token, so not every text can be encoded");
    byte_ids_[static_cast<size_t>(byte)] = found == ids_.end() ? kNoToken : found->second;
  }
  int32_t rank = 0;
  for (const auto& [left, right] : definition_.merges) {
    if (!known(left) || !known(right))
      refuse("merge " + std::to_string(rank) + " names an unknown token");
    const auto merged = ids_.find(definition_.pieces[static_cast<size_t>(left)] +
                                  definition_.pieces[static_cast<size_t>(right)]);
    if (merged == ids_.end())
      refuse("merge " + std::to_string(rank) + " makes a token that is not in the vocabulary");
    merges_.insert(left, right, {rank, merged->second});
    ++rank;
  }
  find_joins();
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

void BpeTokenizer::find_joins() {
  const auto crosses_words = [](const std::string& piece) {
    for (size_t i = 1; i < piece.size(); ++i) {
      const bool before = piece[i - 1] == ' ' || piece[i - 1] == '\n' || piece[i - 1] == '\t' ||
                          piece[i - 1] == '\r';
      if (piece[i] == ' ' && !before) return true;
    }
    return false;
  };
  const auto merged = [&](size_t rank) {
    const auto& [left, right] = definition_.merges[rank];
    return definition_.pieces[static_cast<size_t>(left)] +
           definition_.pieces[static_cast<size_t>(right)];
  };
  const auto mark = [](const std::string& piece, std::vector<bool>& joins) {
    for (size_t i = 1; i < piece.size(); ++i) {
      joins[static_cast<size_t>(static_cast<uint8_t>(piece[i - 1])) * 256 +
            static_cast<uint8_t>(piece[i])] = true;
    }
  };
  // One stage where the two would need more than merging: stretches taken whole, bytes dropped.
  const bool always_one = definition_.ignore_merges || definition_.partial_alphabet;
  const size_t count = definition_.merges.size();
  size_t first = 0;
  while (first < count && (always_one || !crosses_words(merged(first)))) ++first;
  first_stage_ = static_cast<int32_t>(first);
  joined_.assign(65536, false);
  joined_in_word_.assign(65536, false);
  for (size_t rank = 0; rank < count; ++rank) {
    mark(merged(rank), joined_);
    if (rank < first) mark(merged(rank), joined_in_word_);
  }
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

void BpeTokenizer::encode_stretch(std::string_view stretch, EncodeWord word_encoder,
                                  std::vector<int32_t>& ids) const {
  std::string bytes;
  if (definition_.mapped_text && alphabet_.read(stretch, bytes)) stretch = bytes;
  const bool one_stage = static_cast<size_t>(first_stage_) == definition_.merges.size();
  if (one_stage) return word_encoder(stretch, ids);
  std::vector<int32_t> symbols;
  size_t word = 0;
  for (size_t i = 1; i <= stretch.size(); ++i) {
    const size_t pair = i == stretch.size()
                            ? 0
                            : static_cast<size_t>(static_cast<uint8_t>(stretch[i - 1])) * 256 +
                                  static_cast<uint8_t>(stretch[i]);
    if (i < stretch.size() && joined_in_word_[pair]) continue;
    word_encoder(stretch.substr(word, i - word), symbols);
    word = i;
    if (i < stretch.size() && joined_[pair]) continue;
    apply_merges(merges_, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    symbols.clear();
  }
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text,
                                          const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  const auto word_encoder = [&](std::string_view word, std::vector<int32_t>& out) {
    encode_word(word, out);
  };
  pipeline_.encode(
      text, options,
      [&](std::string_view stretch, std::vector<int32_t>& out) {
        encode_stretch(stretch, word_encoder, out);
      },
      ids);
  return ids;
}

size_t BpeEncoder::Hash::operator()(std::string_view text) const {
  uint64_t hash = text.size() * 0x9E3779B97F4A7C15ULL;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    hash = (hash ^ word) * 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 32;
  }
  uint64_t rest = 0;
  std::memcpy(&rest, text.data() + i, text.size() - i);
  hash = (hash ^ rest) * 0xC4CEB9FE1A85EC53ULL;
  return static_cast<size_t>(hash ^ (hash >> 29));
}

void BpeEncoder::encode_word(std::string_view word, std::vector<int32_t>& ids) {
  constexpr size_t kLongestCached = 64;
  if (word.size() > kLongestCached) return tokenizer_.encode_word(word, ids);
  const auto found = cache_.find(word);
  if (found != cache_.end()) {
    const auto first = cached_ids_.begin() + found->second.begin;
    ids.insert(ids.end(), first, first + found->second.count);
    return;
  }
  if (cache_.size() >= most_words_) {
    cache_.clear();
    cached_ids_.clear();
  }
  const auto begin = static_cast<uint32_t>(cached_ids_.size());
  tokenizer_.encode_word(word, cached_ids_);
  cache_.emplace(word, Span{begin, static_cast<uint32_t>(cached_ids_.size()) - begin});
  ids.insert(ids.end(), cached_ids_.begin() + begin, cached_ids_.end());
}

void BpeEncoder::encode(std::string_view text, std::vector<int32_t>& ids) {
  const auto word_encoder = [&](std::string_view word, std::vector<int32_t>& out) {
    encode_word(word, out);
  };
  tokenizer_.pipeline_.encode(
      text, {},
      [&](std::string_view stretch, std::vector<int32_t>& out) {
        tokenizer_.encode_stretch(stretch, word_encoder, out);
      },
      ids);
}

}  // namespace onmal
