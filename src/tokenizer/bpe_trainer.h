#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {

struct BpeTrainOptions {
  int64_t vocab_size = 32768;  // special tokens and the 256 bytes included
  // "superbpe" learns in two stages: first within words, as llama-bpe cuts them, then across spaces
  // (never across line ends, digits or the end of a sentence). The others have the first stage
  // alone.
  std::string pretokenizer = "llama-bpe";
  double word_stage = 0.8;          // share of the merges that the first stage learns
  int64_t most_words = 4;           // in a piece of the second stage
  int64_t phrase_bytes = 96 << 20;  // text that the second stage learns from, at most
  std::vector<std::string> special_tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>",
                                             "<|pad|>"};
  int64_t least_count = 2;  // pairs rarer than this are not merged
  // > 0: words with Hangul and words without are weighted so that Hangul ones make up this share of
  // all bytes, whatever the mix of the input. 0: as counted.
  double hangul_share = 0.0;
  size_t longest_piece = 48;  // bytes
};

struct BpeTrainProgress {
  int64_t merges_done;
  int64_t merges_wanted;
};

// Learns a byte-level BPE vocabulary. A piece is made of whole characters or lies within one: never
// whole characters and a part of the next, so that no token ends inside a syllable unless the
// syllable itself is too rare for one. Feed text, then train; the same text in the same order gives
// the same vocabulary for any number of threads.
class BpeTrainer {
 public:
  explicit BpeTrainer(BpeTrainOptions options);

  // Counts the words of a text. Throws Error(kBadFile) naming the byte where it is not UTF-8 or
  // holds a NUL.
  void feed(ThreadPool& pool, std::string_view text, const std::string& where);

  int64_t bytes() const { return bytes_; }

  // Throws Error(kInvalidArgument) when nothing was fed or vocab_size is too small,
  // Error(kCancelled) when stopped. A vocabulary may come out smaller than asked for when the text
  // holds no more pairs.
  BpeDefinition train(std::stop_token stop = {},
                      const std::function<void(const BpeTrainProgress&)>& progress = {}) const;

 private:
  void count_words(ThreadPool& pool, std::string_view text);
  void count_phrases(std::string_view text);

  BpeTrainOptions options_;
  bool two_stages_;
  Pretokenizer pretokenizer_;  // of the first stage
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Counts = std::unordered_map<std::string, int64_t, Hash, std::equal_to<>>;
  Counts words_;
  Counts phrases_;  // stretches that the second stage may merge within
  int64_t phrase_bytes_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace onmal
