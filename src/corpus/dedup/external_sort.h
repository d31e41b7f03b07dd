#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/function_ref.h"
#include "corpus/dedup/huge_pages.h"
#include "corpus/dedup/spill_file.h"

namespace onmal {

// Sorts any number of records in bounded memory: what does not fit is spilled as sorted runs, which
// are merged as they are read. What comes out depends on the records alone, not on the order they
// came in or the limit, provided that records that are not less than one another are equal.
// add() … sort() next() … ; not for several threads at once.
template <typename Record>
class ExternalSort {
  static_assert(std::is_trivially_copyable_v<Record>);
  static_assert(std::has_unique_object_representations_v<Record>, "padding would be spilled");

 public:
  explicit ExternalSort(const SpillOptions& options)
      : folder_(options.folder),
        most_records_(std::max<uint64_t>(2, options.memory_bytes / sizeof(Record))),
        block_records_(std::clamp<uint64_t>(most_records_ / 16, 1, kBlockBytes / sizeof(Record))),
        most_runs_(std::clamp<uint64_t>(most_records_ / block_records_ / 2, 2, kMostRuns)),
        file_(folder_, 0) {}

  void add(const Record& record) {
    ONMAL_ASSERT(!sorted_);
    if (records_.size() == most_records_) spill();
    if (records_.size() == records_.capacity()) grow();
    records_.push_back(record);
    ++size_;
  }

  uint64_t size() const { return size_; }
  bool spilled() const { return file_.on_disk(); }

  // Ends adding. `check` is called again and again and may throw: then the records are lost.
  void sort(FunctionRef<void()> check = [] {}) {
    ONMAL_ASSERT(!sorted_);
    sorted_ = true;
    if (runs_.empty()) {
      sort_records(check);
      return;
    }
    if (!records_.empty()) spill(check);
    std::vector<Record>().swap(records_);
    while (runs_.size() > most_runs_) merge_once(check);
    begin_merge(runs_);
  }

  // The next record in ascending order; false behind the last. Throws Error(kBadFile) when what was
  // spilled is damaged.
  bool next(Record& record) {
    ONMAL_ASSERT(sorted_);
    if (!runs_.empty()) return next_merged(record);
    if (place_ == records_.size()) return false;
    record = records_[place_++];
    return true;
  }

 private:
  static constexpr uint64_t kBlockBytes = 64 * 1024;
  static constexpr uint64_t kMostRuns = 512;
  static constexpr uint64_t kCheckEvery = uint64_t{1} << 16;

  // Records in blocks one behind the other, all but the last block full.
  struct Run {
    uint64_t place = 0;
    uint64_t records = 0;
  };
  // Where the merge stands in a run.
  struct Reader {
    Run rest;
    std::vector<Record> block;
    size_t at = 0;
  };

  // Cuts what comes in order into the blocks of one run.
  class RunWriter {
   public:
    RunWriter(SpillFile& file, uint64_t block_records) : file_(file), most_(block_records) {
      run_.place = file.size();
    }
    void add(const Record& record) {
      block_.push_back(record);
      ++run_.records;
      if (block_.size() == most_) flush();
    }
    Run finish() {
      if (!block_.empty()) flush();
      return run_;
    }

   private:
    void flush() {
      file_.append(std::as_bytes(std::span(block_)));
      block_.clear();
    }
    SpillFile& file_;
    uint64_t most_;
    std::vector<Record> block_;
    Run run_;
  };

  // Small ones grow by doubling; then all that is allowed is reserved at once: what is not touched
  // is not in memory, while a move would hold both places and leave a hole.
  void grow() {
    constexpr uint64_t kSmall = uint64_t{1} << 15;
    const uint64_t next = std::max<uint64_t>(64, 2 * records_.size());
    records_.reserve(next > kSmall ? most_records_ : std::min(next, most_records_));
    if (next > kSmall) prefer_huge_pages(records_.data(), records_.capacity() * sizeof(Record));
  }

  void sort_records(FunctionRef<void()> check) {
    uint64_t compared = 0;
    std::sort(records_.begin(), records_.end(), [&](const Record& a, const Record& b) {
      if (++compared % kCheckEvery == 0) check();
      return a < b;
    });
  }

  void spill(FunctionRef<void()> check = [] {}) {
    sort_records(check);
    RunWriter writer(file_, block_records_);
    for (const Record& record : records_) writer.add(record);
    runs_.push_back(writer.finish());
    records_.clear();
  }

  // Replaces all runs by fewer, longer ones in a new file.
  void merge_once(FunctionRef<void()> check) {
    SpillFile merged(folder_, 0);
    std::vector<Run> longer;
    for (size_t begin = 0; begin < runs_.size(); begin += most_runs_) {
      begin_merge(
          std::span(runs_).subspan(begin, std::min<size_t>(most_runs_, runs_.size() - begin)));
      RunWriter writer(merged, block_records_);
      Record record;
      for (uint64_t merged_records = 1; next_merged(record); ++merged_records) {
        writer.add(record);
        if (merged_records % kCheckEvery == 0) check();
      }
      longer.push_back(writer.finish());
    }
    file_ = std::move(merged);
    runs_ = std::move(longer);
  }

  void begin_merge(std::span<const Run> runs) {
    readers_.clear();
    heap_.clear();
    for (const Run& run : runs) {
      readers_.push_back({run, {}, 0});
      if (refill(readers_.back())) heap_.push_back(readers_.size() - 1);
    }
    std::make_heap(heap_.begin(), heap_.end(), later());
  }

  bool next_merged(Record& record) {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later());
    Reader& reader = readers_[heap_.back()];
    record = reader.block[reader.at++];
    if (reader.at < reader.block.size() || refill(reader)) {
      std::push_heap(heap_.begin(), heap_.end(), later());
    } else {
      heap_.pop_back();
    }
    return true;
  }

  bool refill(Reader& reader) {
    reader.at = 0;
    reader.block.clear();
    if (reader.rest.records == 0) return false;
    const uint64_t expected = std::min(block_records_, reader.rest.records);
    file_.read(reader.rest.place, bytes_);
    if (bytes_.size() != expected * sizeof(Record)) {
      throw Error(ErrorCode::kBadFile, folder_.string(), "a temporary file has a wrong block",
                  "run again; check the disk if it happens twice");
    }
    reader.block.resize(expected);
    std::memcpy(reader.block.data(), bytes_.data(), bytes_.size());
    reader.rest.place = SpillFile::place_behind(reader.rest.place, bytes_.size());
    reader.rest.records -= expected;
    return true;
  }

  // Heaps keep the largest in front: the one whose next record comes last is the "smallest".
  auto later() const {
    return [this](size_t a, size_t b) {
      const Reader& left = readers_[a];
      const Reader& right = readers_[b];
      return right.block[right.at] < left.block[left.at];
    };
  }

  std::filesystem::path folder_;
  uint64_t most_records_;
  uint64_t block_records_;
  uint64_t most_runs_;
  SpillFile file_;
  std::vector<Run> runs_;
  std::vector<Record> records_;
  uint64_t size_ = 0;
  size_t place_ = 0;
  bool sorted_ = false;
  std::vector<Reader> readers_;
  std::vector<size_t> heap_;
  std::vector<std::byte> bytes_;
};

}  // namespace onmal
