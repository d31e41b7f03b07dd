#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "corpus/prepare/counts.h"

namespace onmal {

// Where reading stands: behind so many documents and faults of a file of a source.
struct ReadCursor {
  uint32_t source = 0;
  uint32_t file = 0;
  uint64_t events = 0;
  uint64_t seen_before = 0;  // of the source, when that file began: documents, and bytes taken
  uint64_t bytes_before = 0;
  uint64_t packed_bytes = 0;  // of all files so far, about
  bool ended = false;         // behind the last source
};

// What lies beside a part.
struct PartState {
  uint64_t documents = 0;
  uint64_t bytes = 0;  // of its file
  ReadCursor end;
  PartCounts counts;
};

// The output folder of a run and what it has done so far. One process at a time.
class RunFolder {
 public:
  // Throws Error(kInvalidArgument) where the folder holds a run of another identity and `fresh` is
  // not set; Error(kIo), also where another process is at work.
  RunFolder(std::filesystem::path output, const std::string& identity, size_t samples, bool fresh);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& output() const { return output_; }
  std::filesystem::path work() const { return output_ / "work"; }
  std::filesystem::path part(uint64_t number) const;
  std::filesystem::path text_shard(uint64_t number) const;
  std::filesystem::path heldout_shard(uint64_t number) const;
  // Of one part: train tokens or held-out ones.
  std::filesystem::path token_shard(uint64_t number, bool heldout) const;
  std::filesystem::path decisions() const { return work() / "decisions"; }

  std::optional<PartState> read_state(uint64_t number) const;
  void save_read_state(uint64_t number, const PartState& state) const;
  // What the last pass counted of a part.
  std::optional<PartCounts> written_state(uint64_t number) const;
  void save_written_state(uint64_t number, const PartCounts& counts) const;
  // What was counted in all, and numbers of the second pass; there when nothing is left to do.
  struct Done {
    PartCounts counts;
    uint64_t near_compared = 0, near_clusters = 0, repeated_paragraphs = 0;
  };
  std::optional<Done> done_state() const;
  void save_done_state(const Done& done) const;
  // Removes what only a run that is not done needs.
  void drop_work() const;

 private:
  std::filesystem::path numbered(const char* name, uint64_t number, const char* ending) const;
  void clear_work(bool all) const;

  std::filesystem::path output_;
  size_t samples_;
  int lock_ = -1;
};

}  // namespace onmal
