#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "corpus/dedup/external_sort.h"
#include "corpus/dedup/fingerprint.h"

namespace onmal {

// Calls take(line) for each line of a text, without its end ("\n" or "\r\n"); the last one need not
// have one.
void for_each_line(std::string_view text, FunctionRef<void(std::string_view line)> take);

struct ParagraphOptions {
  uint64_t most_documents = 10;    // a paragraph in more documents than that is boilerplate
  uint64_t least_characters = 10;  // of the normalised paragraph; shorter ones always stay
  SpillOptions storage;
};

// The paragraphs found in too many documents; looked up from any thread.
class RepeatedParagraphs {
 public:
  struct Stripped {
    std::string text;
    uint64_t paragraphs = 0;  // removed
  };

  // The text without them, but for those that `may_go` is false for. Blank lines around what was
  // removed become one; other lines stay as they are.
  Stripped strip(
      std::string_view text, FunctionRef<bool(std::string_view paragraph)> may_go =
                                 [](std::string_view) { return true; }) const;
  bool holds(std::string_view paragraph) const;
  // Different ones. 16 bytes each stay in memory.
  size_t size() const { return fingerprints_.size(); }

  // To be kept and made again.
  RepeatedParagraphs() = default;
  RepeatedParagraphs(uint64_t least_characters, std::vector<Fingerprint> sorted)
      : least_characters_(least_characters), fingerprints_(std::move(sorted)) {}
  uint64_t least_characters() const { return least_characters_; }
  const std::vector<Fingerprint>& fingerprints() const { return fingerprints_; }

 private:
  friend class ParagraphCounter;

  uint64_t least_characters_ = 0;
  std::vector<Fingerprint> fingerprints_;  // sorted
};

// Counts in how many documents each paragraph (a line with something on it) stands, equal but for
// white space and normal forms. Documents are added in any order and from any thread; what comes
// out does not depend on it. 24 bytes a paragraph, on disk beyond the limit: counted exactly.
class ParagraphCounter {
 public:
  explicit ParagraphCounter(const ParagraphOptions& options);

  // A document's paragraphs count once for its id.
  void add(uint64_t id, std::string_view text);
  // Ends adding. Documents for which `counts` is false are left out; `has_repeated` is told of each
  // document with such a paragraph, perhaps several times. Throws Error(kBadFile) when what was
  // spilled is damaged, and what `check` throws, which is called several times a second.
  RepeatedParagraphs finish(
      FunctionRef<bool(uint64_t id)> counts = [](uint64_t) { return true; },
      FunctionRef<void(uint64_t id)> has_repeated = [](uint64_t) {},
      FunctionRef<void()> check = [] {});

  bool spilled() const { return entries_.spilled(); }

 private:
  struct Entry {
    Fingerprint fingerprint;
    uint64_t id;

    auto operator<=>(const Entry&) const = default;
  };

  ParagraphOptions options_;
  std::mutex mutex_;
  ExternalSort<Entry> entries_;
};

}  // namespace onmal
