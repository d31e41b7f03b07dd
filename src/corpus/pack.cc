#include "corpus/pack.h"

#include <vector>

#include "base/error.h"
#include "base/hash.h"

namespace onmal {
namespace {

uint64_t hash_of(std::string_view text) {
  uint64_t hash = fnv1a(text);  // mixed: its low bits are weak
  hash ^= hash >> 33;
  hash *= 0xFF51AFD7ED558CCDULL;
  return hash ^ (hash >> 33);
}

}  // namespace

bool is_packed_as_heldout(std::string_view document, int heldout_permille) {
  return hash_of(document) % 1000 < static_cast<uint64_t>(heldout_permille);
}

PackReport pack_corpus(const Corpus& corpus, const BpeTokenizer& tokenizer, int heldout_permille,
                       const std::filesystem::path& folder, std::stop_token stop) {
  std::filesystem::create_directories(folder);
  ShardWriter train(folder / "train.tok", tokenizer);
  ShardWriter heldout(folder / "heldout.tok", tokenizer);
  BpeEncoder encoder(tokenizer);
  std::vector<int32_t> ids;
  for (const Source& source : corpus.texts) {
    read_documents(source, [&](std::string_view document) {
      if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "pack", "stopped");
      ids.clear();
      encoder.encode(document, ids);
      const auto bytes = static_cast<int64_t>(document.size());
      if (is_packed_as_heldout(document, heldout_permille)) {
        heldout.add(ids, bytes);
        return;
      }
      for (int64_t i = 0; i < source.repeat; ++i) train.add(ids, bytes);
    });
  }
  PackReport report;
  report.train = train.commit();
  if (heldout_permille > 0) report.heldout = heldout.commit();
  return report;
}

}  // namespace onmal
