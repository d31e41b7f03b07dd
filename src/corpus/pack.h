#pragma once

#include <filesystem>
#include <stop_token>
#include <string_view>

#include "corpus/shard.h"
#include "corpus/source.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {

struct PackReport {
  ShardInfo train;
  ShardInfo heldout;
};

// Whether a document is held out of training: by a hash of its text, so that equal documents never
// stand on both sides.
bool is_packed_as_heldout(std::string_view document, int heldout_permille);

// Encodes all texts of a corpus into folder/train.tok and folder/heldout.tok. Throws
// Error(kCancelled) when stopped.
PackReport pack_corpus(const Corpus& corpus, const BpeTokenizer& tokenizer, int heldout_permille,
                       const std::filesystem::path& folder, std::stop_token stop = {});

}  // namespace onmal
