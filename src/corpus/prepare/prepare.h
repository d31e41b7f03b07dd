#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/clean/language.h"
#include "corpus/prepare/counts.h"
#include "corpus/prepare/sources.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {

// What a check of the content (of toxicity, say) says about a document.
struct ContentVerdict {
  bool refused = false;           // it is dropped
  std::vector<std::string> tags;  // else they stand in its line of the text shards
};

struct PrepareOptions {
  std::vector<PrepareSource> sources;
  std::filesystem::path output;                   // a folder
  std::vector<std::filesystem::path> evaluation;  // what training must not see
  std::vector<Language> languages;                // wanted ones; empty for all
  const BpeTokenizer* tokenizer = nullptr;        // for token shards; none without
  // Asked from any thread, once for each document that is left after all else, and to give the same
  // answer again; none without. `content_check_name` stands for it where runs are compared.
  std::function<ContentVerdict(std::string_view text)> content_check;
  std::string content_check_name;
  int heldout_permille = 10;
  uint64_t memory_bytes = uint64_t{1} << 30;
  uint64_t part_bytes = uint64_t{64} << 20;  // of text read; what a killed run loses at most
  uint64_t most_document_bytes = uint64_t{8} << 20;
  double near_threshold = 0.8;             // Jaccard similarity of shingles
  uint64_t most_paragraph_documents = 10;  // a paragraph in more of them goes
  size_t samples = 5;                      // of each rule in the report
  size_t threads = 1;
  bool fresh = false;  // forget what an earlier run left
};

struct PrepareProgress {
  std::string_view stage;  // "read", "compare", "write"
  uint64_t done = 0;       // of `total`: bytes of the files, then of the cleaned text
  uint64_t total = 0;
  uint64_t documents = 0;
  uint64_t text_bytes = 0;
  double seconds = 0;  // since this stage began, what an earlier run did left out
  double resumed = 0;  // share of `total` that an earlier run did
};

struct PrepareCallbacks {
  std::function<void(const PrepareProgress&)> on_progress;  // from any thread, one at a time
  std::function<void(const PrepareFault&)> on_fault;        // likewise; as they are met
  std::function<void(std::string_view)> on_notice;
};

struct PrepareReport {
  PartCounts counts;
  SourceCounts totals;
  uint64_t near_compared = 0;  // pairs
  uint64_t near_clusters = 0;
  uint64_t repeated_paragraphs = 0;  // different ones
  bool was_done = false;             // by an earlier run: nothing was left to do
};

// Sources to training shards in the folder `output`:
//   text/00000.jsonl …     a document a line: id, source, record, offset, language, text …
//   heldout/00000.jsonl …  those kept out of training, by a hash of their text
//   train.tok, heldout.tok token shards as pack_corpus writes them
//   report.json, report.html
// Documents pass, in this order: language, quality rules, masking of personal data; then exact
// duplicates go (the first stays), near-duplicates (the longest stays), paragraphs that stand in
// many documents, documents that share text with an evaluation set, and what the content check
// refuses. Faults of sources are counted and passed over; those of evaluation sets are not.
//
// Memory is `memory_bytes`, and about 20 MiB a thread with documents of usual length; the rest is
// on disk: `work` in the output folder takes about as much as the text, and three times that for a
// while. What is written is the same for any number of threads and any memory, and when a run is
// killed and begun again: it goes on with the first part (of `part_bytes`) that was not done.
//
// Throws Error(kCancelled) on a stop request, Error(kInvalidArgument) where the folder holds
// another run, Error(kIo), Error(kResource).
PrepareReport prepare_corpus(const PrepareOptions& options, const PrepareCallbacks& callbacks,
                             const std::stop_token& stop = {});

}  // namespace onmal
