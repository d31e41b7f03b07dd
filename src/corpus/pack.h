#pragma once

#include <filesystem>
#include <stop_token>

#include "corpus/shard.h"
#include "corpus/source.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {

struct PackReport {
  ShardInfo train;
  ShardInfo heldout;
};

// Encodes all texts of a corpus into folder/train.tok and folder/heldout.tok. A document is held
// out by a hash of its own text, so that equal documents never stand on both sides. Throws
// Error(kCancelled) when stopped.
PackReport pack_corpus(const Corpus& corpus, const BpeTokenizer& tokenizer, int heldout_permille,
                       const std::filesystem::path& folder, std::stop_token stop = {});

}  // namespace onmal
