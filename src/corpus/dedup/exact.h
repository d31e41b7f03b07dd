#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/function_ref.h"
#include "corpus/dedup/duplicate_list.h"
#include "corpus/dedup/fingerprint.h"

namespace onmal {

// Finds documents that are equal when normalised (NFC, runs of white space): of each kind the one
// with the least id is kept. All documents are added, in any order and from any thread; then
// finish() decides. Holds 24 bytes a document, up to the limit in memory.
class ExactDuplicates {
 public:
  explicit ExactDuplicates(const SpillOptions& options);

  // Ids must differ from one another.
  void add(uint64_t id, std::string_view text) { add(id, fingerprint_text(text)); }
  void add(uint64_t id, const Fingerprint& fingerprint);

  // Ends adding. Throws Error(kInvalidArgument) for an id added twice with the same text,
  // Error(kBadFile) when what was spilled is damaged, and what `check` throws, which is called
  // several times a second.
  DuplicateList finish(FunctionRef<void()> check = [] {});

  uint64_t documents() const { return documents_.size(); }
  bool spilled() const { return documents_.spilled(); }

 private:
  struct Entry {
    Fingerprint fingerprint;
    uint64_t id;

    auto operator<=>(const Entry&) const = default;
  };

  SpillOptions options_;
  std::mutex mutex_;
  ExternalSort<Entry> documents_;
};

}  // namespace onmal
