#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "models/language_model.h"
#include "nn/paged_kv_cache.h"

namespace onmal {

// What keys and values in pages depend on beside the tokens: the weights (their names, shapes and
// a sample of their bytes), adapters, the cache's type and context, the arithmetic.
std::string page_fingerprint(const LanguageModel& model, const PagePool& pool, int64_t context,
                             int precision);

// Full pages in a folder, one a file, for prompts that begin as earlier ones did, also of an
// earlier run. A file is named by a digest of the fingerprint and of all tokens up to the page's
// end, holds a checksum, and is written beside and renamed. What is damaged, of another model or
// cannot be read or written counts as not there. Belongs to one thread.
class PageStore {
 public:
  // At most `most_bytes` of files, the longest unused go first. Throws Error(kIo) when the folder
  // cannot be made or listed.
  PageStore(std::filesystem::path folder, uint64_t most_bytes, std::string fingerprint);

  // Keeps `page` for the last kPageTokens of `ids`, whose number is a multiple of that.
  void put(std::span<const int32_t> ids, const PagePool& pool, int32_t page);
  bool has(std::span<const int32_t> ids) const { return files_.contains(name_of(ids)); }
  // Fills `page` with what put() kept for these ids; false when it is not there.
  bool get(std::span<const int32_t> ids, const PagePool& pool, int32_t page);

  int64_t files() const { return static_cast<int64_t>(files_.size()); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct File {
    uint64_t bytes = 0;
    uint64_t last_used = 0;
  };
  std::string name_of(std::span<const int32_t> ids) const;
  void forget(const std::string& name);

  std::filesystem::path folder_;
  uint64_t most_bytes_;
  std::string fingerprint_;
  std::map<std::string, File> files_;
  uint64_t bytes_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace onmal
