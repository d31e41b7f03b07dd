#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "corpus/packed_dataset.h"
#include "corpus/source.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

inline constexpr int32_t kIgnoredTarget = -100;

// An endless, deterministic stream of training sequences: number `position` is always the same one.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t sequences() const = 0;  // in one epoch
  // tokens, targets (kIgnoredTarget: not to be learned) and first_keys of one sequence.
  virtual void fill(uint64_t position, std::span<int32_t> tokens, std::span<int32_t> targets,
                    std::span<int32_t> first_keys) const = 0;
};

// Sequences of a token shard; in stored order when not shuffled (evaluation).
class ShardSource : public BatchSource {
 public:
  // Throws Error(kInvalidArgument) when the shard was made with another tokenizer.
  ShardSource(const std::filesystem::path& path, const Tokenizer& tokenizer, int64_t length,
              uint64_t seed, bool shuffled);

  int64_t sequences() const override { return dataset_.sequences(); }
  void fill(uint64_t position, std::span<int32_t> tokens, std::span<int32_t> targets,
            std::span<int32_t> first_keys) const override;

 private:
  ShardReader shard_;
  PackedDataset dataset_;
  bool shuffled_;
};

// Conversations in ChatML, several to a sequence, each seeing only itself; only what the assistant
// says (its end mark included) is learned. Conversations longer than a sequence are cut at its end.
class ConversationSource : public BatchSource {
 public:
  ConversationSource(std::span<const std::vector<ChatMessage>> conversations,
                     const Tokenizer& tokenizer, int64_t length, uint64_t seed);

  int64_t sequences() const override { return static_cast<int64_t>(sequences_.size()); }
  void fill(uint64_t position, std::span<int32_t> tokens, std::span<int32_t> targets,
            std::span<int32_t> first_keys) const override;

 private:
  struct Conversation {
    std::vector<int32_t> ids;
    std::vector<bool> learned;
  };
  Conversation encode(std::span<const ChatMessage> messages, const Tokenizer& tokenizer) const;

  int64_t length_;
  uint64_t seed_;
  int32_t filler_;
  std::vector<Conversation> conversations_;
  std::vector<std::vector<size_t>> sequences_;  // the conversations in each
};

struct ConversationSplit {
  std::vector<std::vector<ChatMessage>> train;
  std::vector<std::vector<ChatMessage>> heldout;
};
// All conversations of a corpus; about so many in a thousand are held out, chosen by their own
// text. Those of a source with `repeat` are trained on so many times, held out once.
ConversationSplit read_all_conversations(const Corpus& corpus, int64_t heldout_permille);

// Conversations in a shuffled order, one to `turns` of them joined to a longer one: a model that
// has only seen single questions answers a second one with what it said before.
std::vector<std::vector<ChatMessage>> join_turns(
    std::vector<std::vector<ChatMessage>> conversations, int64_t turns, uint64_t seed);

}  // namespace onmal
