#include "corpus/dedup/exact.h"

#include <string>

#include "base/error.h"

namespace onmal {
namespace {

// Three quarters for what is sorted, a quarter for what is found.
SpillOptions part_of(const SpillOptions& options, uint64_t quarters) {
  return {options.folder, options.memory_bytes / 4 * quarters};
}

}  // namespace

ExactDuplicates::ExactDuplicates(const SpillOptions& options)
    : options_(options), documents_(part_of(options, 3)) {}

void ExactDuplicates::add(uint64_t id, const Fingerprint& fingerprint) {
  const std::lock_guard lock(mutex_);
  documents_.add({fingerprint, id});
}

DuplicateList ExactDuplicates::finish(FunctionRef<void()> check) {
  constexpr uint64_t kCheckEvery = uint64_t{1} << 16;
  DuplicateList found(part_of(options_, 1));
  documents_.sort(check);
  Entry entry{};
  Entry first{};
  bool any = false;
  for (uint64_t read = 1; documents_.next(entry); ++read) {
    if (read % kCheckEvery == 0) check();
    if (!any || entry.fingerprint != first.fingerprint) {
      first = entry;
      any = true;
      continue;
    }
    if (entry.id == first.id) {
      throw Error(ErrorCode::kInvalidArgument, "deduplication",
                  "document " + std::to_string(entry.id) + " was added twice",
                  "give every document a number of its own");
    }
    found.add({entry.id, first.id});
  }
  found.sort();
  return found;
}

}  // namespace onmal
