#include "train/batch_source.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "corpus/held_out.h"

namespace onmal {

ShardSource::ShardSource(const std::filesystem::path& path, const Tokenizer& tokenizer,
                         int64_t length, uint64_t seed, bool shuffled)
    : shard_(path), dataset_(shard_, length, seed), shuffled_(shuffled) {
  if (shard_.info().fingerprint != tokenizer_fingerprint(tokenizer)) {
    throw Error(ErrorCode::kInvalidArgument, path.string(), "was made with another tokenizer",
                "pack the text again with the model's tokenizer");
  }
}

void ShardSource::fill(uint64_t position, std::span<int32_t> tokens, std::span<int32_t> targets,
                       std::span<int32_t> first_keys) const {
  if (shuffled_) {
    dataset_.read(position, tokens, targets, first_keys);
  } else {
    const auto sequence =
        static_cast<int64_t>(position % static_cast<uint64_t>(dataset_.sequences()));
    dataset_.read_in_order(sequence, tokens, targets, first_keys);
  }
}

ConversationSource::ConversationSource(std::span<const std::vector<ChatMessage>> conversations,
                                       const Tokenizer& tokenizer, int64_t length, uint64_t seed)
    : length_(length), seed_(seed), filler_(std::max(0, tokenizer.end_id())) {
  for (const auto& messages : conversations) conversations_.push_back(encode(messages, tokenizer));
  // First fit in a shuffled order: long and short ones mix.
  int64_t used = length;
  for (size_t i = 0; i < conversations_.size(); ++i) {
    const size_t chosen = permuted(i, conversations_.size(), seed);
    const auto size = static_cast<int64_t>(conversations_[chosen].ids.size()) - 1;
    if (used + size > length) {
      sequences_.emplace_back();
      used = 0;
    }
    sequences_.back().push_back(chosen);
    used += size;
  }
  if (sequences_.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "conversations", "there are none",
                "check the description's paths and fields");
  }
}

ConversationSource::Conversation ConversationSource::encode(std::span<const ChatMessage> messages,
                                                            const Tokenizer& tokenizer) const {
  Conversation conversation;
  const auto append = [&](const std::string& text, bool special, bool learned) {
    EncodeOptions options;
    options.parse_special = special;
    const std::vector<int32_t> ids = tokenizer.encode(text, options);
    conversation.ids.insert(conversation.ids.end(), ids.begin(), ids.end());
    conversation.learned.insert(conversation.learned.end(), ids.size(), learned);
  };
  for (const ChatMessage& message : messages) {
    const bool answer = message.role == "assistant";
    append("<|im_start|>" + message.role + "\n", true, false);
    append(message.content, false, answer);
    append("<|im_end|>", true, answer);
    append("\n", true, false);
  }
  const auto most = static_cast<size_t>(length_ + 1);
  if (conversation.ids.size() > most) {
    conversation.ids.resize(most);
    conversation.learned.resize(most);
  }
  return conversation;
}

void ConversationSource::fill(uint64_t position, std::span<int32_t> tokens,
                              std::span<int32_t> targets, std::span<int32_t> first_keys) const {
  const std::vector<size_t>& chosen =
      sequences_[shuffled_index(position, sequences_.size(), seed_)];
  size_t at = 0;
  for (const size_t index : chosen) {
    const Conversation& conversation = conversations_[index];
    const auto begin = static_cast<int32_t>(at);
    for (size_t i = 0; i + 1 < conversation.ids.size() && at < tokens.size(); ++i, ++at) {
      tokens[at] = conversation.ids[i];
      targets[at] = conversation.learned[i + 1] ? conversation.ids[i + 1] : kIgnoredTarget;
      first_keys[at] = begin;
    }
  }
  const auto rest = static_cast<int32_t>(at);
  for (; at < tokens.size(); ++at) {
    tokens[at] = filler_;
    targets[at] = kIgnoredTarget;
    first_keys[at] = rest;
  }
}

ConversationSplit read_all_conversations(const Corpus& corpus, int64_t heldout_permille) {
  ConversationSplit split;
  for (const Source& source : corpus.conversations) {
    read_conversations(source, [&](std::vector<ChatMessage>&& messages) {
      if (is_held_out(messages[0].content, heldout_permille)) {
        split.heldout.push_back(std::move(messages));
        return;
      }
      for (int64_t i = 1; i < source.repeat; ++i) split.train.push_back(messages);
      split.train.push_back(std::move(messages));
    });
  }
  return split;
}

std::vector<std::vector<ChatMessage>> join_turns(
    std::vector<std::vector<ChatMessage>> conversations, int64_t turns, uint64_t seed) {
  if (turns <= 1) return conversations;
  std::vector<std::vector<ChatMessage>> joined;
  const auto count = static_cast<uint64_t>(conversations.size());
  Rng rng(seed);
  uint64_t wanted = 0;
  for (uint64_t i = 0; i < count; ++i) {
    std::vector<ChatMessage>& next = conversations[permuted(i, count, seed)];
    if (wanted == 0) {
      joined.emplace_back();
      wanted = 1 + rng.below(static_cast<uint64_t>(turns));
    }
    std::move(next.begin(), next.end(), std::back_inserter(joined.back()));
    --wanted;
  }
  return joined;
}

}  // namespace onmal
