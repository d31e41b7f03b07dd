#include "train/pair_source.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "corpus/held_out.h"
#include "corpus/source.h"
#include "models/text_rows.h"
#include "train/batch_source.h"
#include "train/labelled_data.h"

namespace onmal {
namespace {

constexpr int kMostSentinels = 100;

class TablePairs : public PairSource {
 public:
  TablePairs(std::vector<TokenPair> pairs, uint64_t seed, bool shuffled)
      : pairs_(std::move(pairs)), seed_(seed), shuffled_(shuffled) {}
  int64_t pairs() const override { return static_cast<int64_t>(pairs_.size()); }
  TokenPair pair(uint64_t position) const override {
    const uint64_t size = pairs_.size();
    return pairs_[shuffled_ ? shuffled_index(position, size, seed_) : position % size];
  }

 private:
  std::vector<TokenPair> pairs_;
  uint64_t seed_;
  bool shuffled_;
};

class DenoisedPairs : public PairSource {
 public:
  DenoisedPairs(const std::filesystem::path& path, const DataRecipe& data,
                const ObjectiveRecipe& objective, const Tokenizer& tokenizer,
                std::vector<int32_t> sentinels, uint64_t seed, bool shuffled)
      : sequences_(path, tokenizer, data.length, seed, shuffled),
        length_(data.length),
        share_(objective.masked_share),
        mean_span_(objective.mean_span),
        sentinels_(std::move(sentinels)),
        end_id_(tokenizer.end_id()),
        seed_(seed) {}
  int64_t pairs() const override { return sequences_.sequences(); }
  TokenPair pair(uint64_t position) const override {
    std::vector<int32_t> tokens(static_cast<size_t>(length_));
    std::vector<int32_t> unused(tokens.size());
    sequences_.fill(position, tokens, unused, unused);
    return cut_spans(tokens, share_, mean_span_, sentinels_, end_id_, Rng(seed_).next() ^ position);
  }

 private:
  ShardSource sequences_;
  int64_t length_;
  double share_, mean_span_;
  std::vector<int32_t> sentinels_;
  int32_t end_id_;
  uint64_t seed_;
};

// Ids of a text with the end token behind it, whether or not the tokenizer puts one.
std::vector<int32_t> encode_ended(const Tokenizer& tokenizer, std::string_view text, bool is_target,
                                  int64_t length) {
  std::vector<int32_t> ids = tokenizer.encode(text, {.add_special = true});
  if (is_target && !ids.empty() && ids.front() == tokenizer.begin_id()) ids.erase(ids.begin());
  if (tokenizer.end_id() >= 0 && (ids.empty() || ids.back() != tokenizer.end_id()))
    ids.push_back(tokenizer.end_id());
  return fit_text(ids, length, &tokenizer);
}

// The source behind a language's token: the ids of "<2ko> text" with special tokens parsed, though
// nothing in the text itself is.
TokenPair translation_pair(const Tokenizer& tokenizer, const std::string& from,
                           const std::string& to, const std::string& language, int64_t length) {
  const std::string name = std::string("<2").append(language).append(">");
  const int32_t token = tokenizer.find(name);
  if (token < 0) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer", "has no " + name,
                "train one with 'onmal tokenizer train --special-token \"" + name + "\"'");
  }
  TokenPair pair = {encode_ended(tokenizer, std::string(" ").append(from), false, length - 1),
                    encode_ended(tokenizer, to, true, length)};
  pair.source.insert(pair.source.begin(), token);
  return pair;
}

void read_table(const std::filesystem::path& path, const DataRecipe& data,
                const Tokenizer& tokenizer,
                FunctionRef<void(const std::string& source, TokenPair&& pair)> body) {
  Source source;
  source.path = path;
  source.format = format_of_name(path, true);
  const std::string fields[] = {data.source_column, data.target_column};
  read_rows(source, fields, " ", [&](const RecordRow& record) {
    for (size_t i = 0; i < 2; ++i) {
      if (record.values[i] && !record.values[i]->empty()) continue;
      throw Error(ErrorCode::kBadFile, path.string() + ", row " + std::to_string(record.row),
                  "has no '" + fields[i] + "'");
    }
    const std::string& text = *record.values[0];
    const std::string& meaning = *record.values[1];
    if (!data.target_language.empty()) {
      body(text, translation_pair(tokenizer, text, meaning, data.target_language, data.length));
      body(text, translation_pair(tokenizer, meaning, text, data.source_language, data.length));
      return;
    }
    body(text, {encode_ended(tokenizer, data.prefix + text, false, data.length),
                encode_ended(tokenizer, meaning, true, data.length)});
  });
}

}  // namespace

PairSplit read_pairs(const DataRecipe& data, const Tokenizer& tokenizer, uint64_t seed) {
  std::vector<TokenPair> train, heldout;
  const bool own_split = data.heldout_table.empty();
  read_table(data.table, data, tokenizer, [&](const std::string& source, TokenPair&& pair) {
    const bool held = own_split && is_held_out(source, data.heldout_permille);
    (held ? heldout : train).push_back(std::move(pair));
  });
  if (!own_split) {
    read_table(data.heldout_table, data, tokenizer,
               [&](const std::string&, TokenPair&& pair) { heldout.push_back(std::move(pair)); });
  }
  const bool wants_heldout = !own_split || data.heldout_permille > 0;
  if (train.empty() || (wants_heldout && heldout.empty())) {
    throw Error(ErrorCode::kInvalidArgument, data.table.string(),
                train.empty() ? "the training split is empty" : "the held-out split is empty",
                "check the file, or data.heldout_permille");
  }
  PairSplit split;
  split.train = std::make_unique<TablePairs>(std::move(train), seed, true);
  if (!heldout.empty()) split.heldout = std::make_unique<TablePairs>(std::move(heldout), 0, false);
  return split;
}

PairSplit read_denoised(const DataRecipe& data, const ObjectiveRecipe& objective,
                        const Tokenizer& tokenizer, uint64_t seed) {
  std::vector<int32_t> sentinels;
  for (int i = 0; i < kMostSentinels; ++i) {
    std::string name("<extra_id_");
    const int32_t id = tokenizer.find(name.append(std::to_string(i)).append(">"));
    if (id >= 0) sentinels.push_back(id);
  }
  if (sentinels.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "tokenizer",
                "has no sentinels <extra_id_0>, <extra_id_1> …",
                "train one with 'onmal tokenizer train --sentinels 100'");
  }
  PairSplit split;
  split.train = std::make_unique<DenoisedPairs>(data.train, data, objective, tokenizer, sentinels,
                                                seed, true);
  if (!data.heldout.empty()) {
    split.heldout = std::make_unique<DenoisedPairs>(data.heldout, data, objective, tokenizer,
                                                    sentinels, 0, false);
  }
  return split;
}

TokenPair cut_spans(const std::vector<int32_t>& tokens, double share, double mean_span,
                    const std::vector<int32_t>& sentinels, int32_t end_id, uint64_t seed) {
  const auto length = static_cast<int64_t>(tokens.size());
  const auto cut = std::clamp<int64_t>(std::llround(share * static_cast<double>(length)), 1,
                                       std::max<int64_t>(1, length - 1));
  const int64_t most = std::min({cut, length - cut, static_cast<int64_t>(sentinels.size())});
  const int64_t spans = std::clamp<int64_t>(std::llround(static_cast<double>(cut) / mean_span), 1,
                                            std::max<int64_t>(1, most));
  Rng rng(seed);
  // `total` in `parts` parts of at least one each, all partitions alike.
  const auto part = [&](int64_t total, int64_t parts) {
    std::vector<bool> ends(static_cast<size_t>(std::max<int64_t>(total - 1, 0)), false);
    std::fill_n(ends.begin(), parts - 1, true);
    for (size_t i = ends.size(); i > 1; --i) {
      const size_t j = rng.below(i);
      const bool keep = ends[i - 1];
      ends[i - 1] = ends[j];
      ends[j] = keep;
    }
    std::vector<int64_t> sizes(1, 1);
    for (const bool end : ends) {
      if (end) {
        sizes.push_back(1);
      } else {
        ++sizes.back();
      }
    }
    return sizes;
  };
  const std::vector<int64_t> cuts = part(cut, spans);
  const std::vector<int64_t> kept = part(std::max<int64_t>(length - cut, spans), spans);
  TokenPair pair;
  auto at = tokens.begin();
  const auto take = [&](std::vector<int32_t>& to, int64_t count) {
    const auto end = at + std::min<int64_t>(count, tokens.end() - at);
    to.insert(to.end(), at, end);
    at = end;
  };
  for (int64_t i = 0; i < spans; ++i) {
    const auto n = static_cast<size_t>(i);
    take(pair.source, kept[n]);
    pair.source.push_back(sentinels[n]);
    pair.target.push_back(sentinels[n]);
    take(pair.target, cuts[n]);
  }
  if (end_id >= 0) {
    pair.source.push_back(end_id);
    pair.target.push_back(end_id);
  }
  return pair;
}

}  // namespace onmal
