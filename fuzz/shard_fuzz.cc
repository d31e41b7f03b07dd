#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "corpus/packed_dataset.h"
#include "corpus/shard.h"

namespace {

// Every token of the shard, and every document's borders from its first and last tokens.
void read_all(const onmal::ShardReader& shard) {
  const int64_t tokens = std::min<int64_t>(shard.info().tokens, 1 << 16);
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  shard.read(0, ids);
  for (int64_t token = 0; token < tokens; ++token) {
    const int64_t begin = shard.document_start(token);
    const int64_t next = shard.next_document_start(token);
    ONMAL_ASSERT(begin >= 0 && begin <= token && token < next && next <= shard.info().tokens);
  }
}

}  // namespace

// Any bytes are a token shard whose tokens, documents and sequences can be read, or an Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Mapped files are aligned; these bytes need not be.
  std::vector<uint64_t> words((size + 7) / 8);
  std::copy_n(data, size, reinterpret_cast<uint8_t*>(words.data()));
  try {
    const onmal::ShardReader shard(std::as_bytes(std::span(words)).first(size), "fuzz");
    read_all(shard);
    constexpr int64_t kLength = 8;
    const onmal::PackedDataset dataset(shard, kLength, 1);
    std::vector<int32_t> tokens(kLength);
    std::vector<int32_t> targets(kLength);
    std::vector<int32_t> first_keys(kLength);
    for (uint64_t position = 0; position < 4; ++position) {
      dataset.read(position, tokens, targets, first_keys);
    }
  } catch (const onmal::Error&) {
  }
  return 0;
}
