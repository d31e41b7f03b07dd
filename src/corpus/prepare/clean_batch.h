#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/clean/quality.h"
#include "corpus/dedup/fingerprint.h"
#include "corpus/prepare/counts.h"
#include "corpus/prepare/prepare.h"
#include "corpus/prepare/run_folder.h"

namespace onmal {

// Documents as they were read, some of one part of the corpus, and what cleaning makes of them.
struct CleanBatch {
  struct Document {
    size_t begin, size;          // in `text`
    size_t url_begin, url_size;  // likewise
    uint32_t source, file;
    uint64_t record, offset;
  };
  std::string text;
  std::vector<Document> documents;
  std::vector<std::pair<uint32_t, PrepareFault>> faults;  // with their sources
  bool ends_part = false;
  ReadCursor end;  // behind its last document

  // What is left: a block of a part.
  std::string block;
  std::vector<Fingerprint> fingerprints;
  PartCounts counts;
};

// Language, quality rules, masking of personal data. One per thread.
class Cleaner {
 public:
  explicit Cleaner(const PrepareOptions& options);
  void clean(CleanBatch& batch);

 private:
  struct Outcome;
  void clean_document(const CleanBatch::Document& document, CleanBatch& batch);
  // False when the document goes; what is left is in left_.
  bool judge(const PrepareSource& source, Language language, const CleanBatch::Document& document,
             std::string_view raw, CleanBatch& batch);
  void mask(Language language, const CleanBatch::Document& document, CleanBatch& batch);
  void add_sample(std::string_view rule, const CleanBatch::Document& document,
                  std::string_view text, CleanBatch& batch) const;

  const PrepareOptions& options_;
  QualityJudge judge_;
  std::string_view left_;  // of the document: of the batch's text, or of these
  std::string cut_, masked_;
};

}  // namespace onmal
