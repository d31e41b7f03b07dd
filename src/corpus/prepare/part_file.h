#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/function_ref.h"
#include "corpus/clean/language.h"
#include "corpus/dedup/fingerprint.h"

namespace onmal {

// A cleaned document on its way through the passes.
struct PartDocument {
  std::string_view text;
  std::string_view url;
  uint32_t source = 0;  // of the corpus
  uint32_t file = 0;    // of the source
  uint64_t record = 0;
  uint64_t offset = 0;
  Language language = Language::kNone;
  Fingerprint fingerprint;  // of the text, for equality
};

// Appends a document to the bytes of a block.
void append_document(const PartDocument& document, std::string& block);
// Calls take(document) for each of a block. Throws Error(kBadFile) naming `where` for bytes that
// are no such block.
void for_each_document(std::string_view block, const std::string& where,
                       FunctionRef<void(const PartDocument&)> take);

// Writes a part: blocks with their checksums, each of about a MiB.
class PartWriter {
 public:
  explicit PartWriter(const std::filesystem::path& path) : file_(path) {}
  void add(std::string_view block, uint64_t documents);
  uint64_t documents() const { return documents_; }
  uint64_t bytes() const { return file_.size(); }
  void commit() { file_.commit(); }

 private:
  AtomicFile file_;
  uint64_t documents_ = 0;
};

struct PartBlock {
  std::string bytes;
  uint64_t first = 0;  // number of the first document in the part
  uint64_t documents = 0;
};

class PartReader {
 public:
  explicit PartReader(const std::filesystem::path& path);
  // False at the end. Throws Error(kBadFile) for a part that is not as it was written.
  bool next(PartBlock& block);

 private:
  std::string where_;
  std::ifstream file_;
  uint64_t documents_ = 0;
};

}  // namespace onmal
