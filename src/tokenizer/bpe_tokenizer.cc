#include "tokenizer/bpe_tokenizer.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kMostPieces = size_t{1} << 24;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kBadFile, "tokenizer", what);
}

}  // namespace

BpeTokenizer::BpeTokenizer(BpeDefinition definition)
    : definition_(std::move(definition)),
      pretokenizer_(definition_.pretokenizer),
      merges_(definition_.merges.size()),
      special_(definition_.pieces.size(), false) {
  const auto count = static_cast<int32_t>(definition_.pieces.size());
  if (definition_.pieces.empty() || definition_.pieces.size() > kMostPieces)
    refuse("the vocabulary is empty or too large");
  const auto known = [&](int32_t id) { return id >= 0 && id < count; };
  for (const int32_t id : definition_.special_ids) {
    if (!known(id) || definition_.pieces[static_cast<size_t>(id)].empty())
      refuse("a special token has no text");
    special_[static_cast<size_t>(id)] = true;
  }
  for (const int32_t id : {definition_.begin_id, definition_.end_id, definition_.pad_id}) {
    if (id != -1 && !known(id))
      refuse("a special token's id " + std::to_string(id) + " is outside the vocabulary");
  }
  ids_.reserve(definition_.pieces.size());
  for (int32_t id = 0; id < count; ++id)
    ids_.emplace(definition_.pieces[static_cast<size_t>(id)], id);
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids_.find(std::string(1, static_cast<char>(byte)));
    if (found == ids_.end())
      refuse("byte " + std::to_string(byte) + " has no token, so not every text can be encoded");
    byte_ids_[static_cast<size_t>(byte)] = found->second;
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
  // Longest first, so that a special token which begins like another is found.
  std::sort(definition_.special_ids.begin(), definition_.special_ids.end(),
            [&](int32_t a, int32_t b) {
              const size_t length_a = definition_.pieces[static_cast<size_t>(a)].size();
              const size_t length_b = definition_.pieces[static_cast<size_t>(b)].size();
              return length_a != length_b ? length_a > length_b : a < b;
            });
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
  const size_t count = definition_.merges.size();
  size_t first = 0;
  while (first < count && !crosses_words(merged(first))) ++first;
  first_stage_ = static_cast<int32_t>(first);
  joined_.assign(65536, false);
  joined_in_word_.assign(65536, false);
  for (size_t rank = 0; rank < count; ++rank) {
    mark(merged(rank), joined_);
    if (rank < first) mark(merged(rank), joined_in_word_);
  }
}

void BpeTokenizer::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  std::vector<int32_t> symbols(word.size());
  std::transform(word.begin(), word.end(), symbols.begin(),
                 [&](char c) { return byte_ids_[static_cast<uint8_t>(c)]; });
  apply_merges(merges_, symbols, first_stage_);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void BpeTokenizer::encode_stretch(std::string_view stretch, EncodeWord word_encoder,
                                  std::vector<int32_t>& ids) const {
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

void BpeTokenizer::encode_plain(std::string_view text, std::vector<int32_t>& ids) const {
  const auto word_encoder = [&](std::string_view word, std::vector<int32_t>& out) {
    encode_word(word, out);
  };
  pretokenizer_.split(text, [&](size_t begin, size_t end) {
    encode_stretch(text.substr(begin, end - begin), word_encoder, ids);
  });
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text,
                                          const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  if (options.add_special && definition_.add_begin && definition_.begin_id >= 0)
    ids.push_back(definition_.begin_id);
  if (!options.parse_special || definition_.special_ids.empty()) {
    encode_plain(text, ids);
    return ids;
  }
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto found = std::find_if(
        definition_.special_ids.begin(), definition_.special_ids.end(), [&](int32_t id) {
          return text.substr(at).starts_with(definition_.pieces[static_cast<size_t>(id)]);
        });
    if (found == definition_.special_ids.end()) continue;
    encode_plain(text.substr(begin, at - begin), ids);
    ids.push_back(*found);
    at += definition_.pieces[static_cast<size_t>(*found)].size() - 1;
    begin = at + 1;
  }
  encode_plain(text.substr(begin), ids);
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
  tokenizer_.pretokenizer_.split(text, [&](size_t begin, size_t end) {
    tokenizer_.encode_stretch(text.substr(begin, end - begin), word_encoder, ids);
  });
}

}  // namespace onmal
