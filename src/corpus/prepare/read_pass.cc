#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "corpus/prepare/clean_batch.h"
#include "corpus/prepare/ordered_pipeline.h"
#include "corpus/prepare/part_file.h"
#include "corpus/prepare/passes.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBatchBytes = size_t{1} << 19;
constexpr size_t kBatchDocuments = 8192;

struct SourceIsFull {};  // thrown out of a file's reader

uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const uint64_t bytes = fs::file_size(path, error);
  return error ? 0 : bytes;
}

// What an error says of a file, without the file's place on this machine.
std::string without_path(std::string what, const fs::path& path) {
  const std::string prefix = path.string() + ": ";
  return what.starts_with(prefix) ? what.substr(prefix.size()) : what;
}

// Cuts what the sources give into batches, and those into parts.
class SourceReader {
 public:
  SourceReader(const PrepareRun& run, const ReadCursor& begin,
               std::function<void(std::unique_ptr<CleanBatch>)> give)
      : run_(run), give_(std::move(give)), cursor_(begin), skip_(begin.events) {
    batch_ = std::make_unique<CleanBatch>();
  }

  void read() {
    const auto& sources = run_.options.sources;
    while (cursor_.source < sources.size()) {
      const PrepareSource& source = sources[cursor_.source];
      while (cursor_.file < source.files.size()) {
        read_file(source);
        cursor_.seen_before = seen_;
        cursor_.bytes_before = bytes_;
        cursor_.events = 0;
        cursor_.packed_bytes = packed_before_ + size_of(source.files[cursor_.file]);
        ++cursor_.file;
      }
      cursor_ = {cursor_.source + 1, 0, 0, 0, 0, cursor_.packed_bytes, false};
    }
    cursor_.ended = true;
    flush(true);
  }

 private:
  void read_file(const PrepareSource& source) {
    const fs::path& path = source.files[cursor_.file];
    packed_before_ = packed_bytes_before(cursor_);
    seen_ = cursor_.seen_before;
    bytes_ = cursor_.bytes_before;
    cursor_.events = 0;
    const uint64_t skipped = std::exchange(skip_, 0);
    if (is_full(source)) return;
    skip_ = skipped;
    InputOptions input = source.input;
    input.most_document_bytes = run_.options.most_document_bytes;
    try {
      input.format = source.format ? *source.format : input_format_of(path);
    } catch (const Error& error) {
      return take_fault(source, {0, error.what()});
    }
    try {
      read_raw_documents(
          path, input, [&](const RawDocument& raw) { take(source, raw); },
          [&](const InputFault& fault) { take_fault(source, fault); }, run_.stop);
    } catch (const SourceIsFull&) {
    }
    skip_ = 0;
  }

  uint64_t packed_bytes_before(const ReadCursor& cursor) const {
    uint64_t bytes = 0;
    for (uint32_t s = 0; s <= cursor.source; ++s) {
      const auto& files = run_.options.sources[s].files;
      const size_t end = s == cursor.source ? cursor.file : files.size();
      for (size_t f = 0; f < end; ++f) bytes += size_of(files[f]);
    }
    return bytes;
  }

  bool is_full(const PrepareSource& source) const {
    return source.limit_bytes > 0 && bytes_ >= source.limit_bytes;
  }

  void take(const PrepareSource& source, const RawDocument& raw) {
    std::string_view text = raw.text;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    ++cursor_.events;
    if (text.empty()) return;
    if (is_full(source)) throw SourceIsFull();
    if (seen_++ % source.every != 0) return;
    bytes_ += text.size();
    if (cursor_.events <= skip_) return;
    cursor_.packed_bytes = packed_before_ + raw.packed_offset;
    const size_t begin = batch_->text.size();
    if (begin == 0) batch_->text.reserve(kBatchBytes + kBatchBytes / 8);
    batch_->text.append(text).append(raw.url);
    batch_->documents.push_back({begin, text.size(), begin + text.size(), raw.url.size(),
                                 cursor_.source, cursor_.file, raw.record, raw.offset});
    part_bytes_ += text.size();
    if (part_bytes_ >= run_.options.part_bytes) {
      flush(true);
    } else if (batch_->text.size() >= kBatchBytes || batch_->documents.size() >= kBatchDocuments) {
      flush(false);
    }
  }

  void take_fault(const PrepareSource& source, const InputFault& fault) {
    ++cursor_.events;
    if (cursor_.events <= skip_) return;
    batch_->faults.push_back({cursor_.source,
                              {source.file_names[cursor_.file], fault.record,
                               without_path(fault.what, source.files[cursor_.file])}});
    if (batch_->faults.size() >= kBatchDocuments) flush(false);
  }

  void flush(bool ends_part) {
    batch_->ends_part = ends_part;
    batch_->end = cursor_;
    if (ends_part) part_bytes_ = 0;
    give_(std::move(batch_));
    batch_ = std::make_unique<CleanBatch>();
  }

  const PrepareRun& run_;
  std::function<void(std::unique_ptr<CleanBatch>)> give_;
  ReadCursor cursor_;
  uint64_t skip_;  // documents and faults of the first file that an earlier run has read
  uint64_t seen_ = 0, bytes_ = 0;
  uint64_t packed_before_ = 0;
  uint64_t part_bytes_ = 0;
  std::unique_ptr<CleanBatch> batch_;
};

// Takes cleaned batches in their order and makes parts of them.
class PartMaker {
 public:
  PartMaker(const PrepareRun& run, ReadParts& parts, ExactDuplicates& exact)
      : run_(run), parts_(parts), exact_(exact) {}

  void add(CleanBatch& batch) {
    if (!writer_) {
      writer_ = std::make_unique<PartWriter>(run_.folder.part(parts_.parts()));
      state_.counts = PartCounts();
      state_.counts.samples = Samples(run_.options.samples);
    }
    if (run_.callbacks.on_fault) {
      for (const auto& [source, fault] : batch.faults) run_.callbacks.on_fault(fault);
    }
    const uint64_t first = parts_.documents() + writer_->documents();
    for (size_t i = 0; i < batch.fingerprints.size(); ++i)
      exact_.add(first + i, batch.fingerprints[i]);
    if (!batch.fingerprints.empty()) writer_->add(batch.block, batch.fingerprints.size());
    state_.counts.merge(batch.counts);
    if (batch.ends_part) finish(batch.end);
  }

 private:
  void finish(const ReadCursor& end) {
    state_.documents = writer_->documents();
    state_.bytes = writer_->bytes();
    state_.end = end;
    writer_->commit();
    run_.folder.save_read_state(parts_.parts(), state_);
    parts_.first.push_back(parts_.documents() + state_.documents);
    parts_.bytes.push_back(state_.bytes);
    parts_.counts.merge(state_.counts);
    writer_.reset();
  }

  const PrepareRun& run_;
  ReadParts& parts_;
  ExactDuplicates& exact_;
  std::unique_ptr<PartWriter> writer_;
  PartState state_;
};

// What earlier runs have read; returns where they stopped.
ReadCursor take_up(const PrepareRun& run, ReadParts& parts, ExactDuplicates& exact,
                   bool with_documents) {
  ReadCursor end;
  while (std::optional<PartState> state = run.folder.read_state(parts.parts())) {
    const uint64_t first = parts.documents();
    PartBlock block;
    if (with_documents) {
      PartReader reader(run.folder.part(parts.parts()));
      while (reader.next(block)) {
        run.check_stop();
        uint64_t id = first + block.first;
        for_each_document(
            block.bytes, run.folder.part(parts.parts()).string(),
            [&](const PartDocument& document) { exact.add(id++, document.fingerprint); });
      }
    }
    parts.first.push_back(first + state->documents);
    parts.bytes.push_back(state->bytes);
    parts.counts.merge(state->counts);
    end = state->end;
    if (end.ended) break;
  }
  return end;
}

}  // namespace

void PrepareRun::check_stop() const {
  if (stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, options.output.string(), "stopped",
                "run the same again to go on");
  }
}

uint64_t ReadParts::total_bytes() const {
  return std::accumulate(bytes.begin(), bytes.end(), uint64_t{0});
}

ProgressTeller::ProgressTeller(const PrepareRun& run, std::string_view stage, uint64_t total,
                               uint64_t resumed)
    : run_(run) {
  progress_.stage = stage;
  progress_.total = total;
  progress_.resumed = total == 0 ? 0 : static_cast<double>(resumed) / static_cast<double>(total);
}

void ProgressTeller::tell(uint64_t done, uint64_t documents, uint64_t text_bytes, bool now) {
  constexpr double kEvery = 0.25;  // seconds
  const double seconds = timer_.seconds();
  if (!run_.callbacks.on_progress || (!now && seconds - last_ < kEvery)) return;
  last_ = seconds;
  progress_.done = std::min(done, progress_.total);
  progress_.documents = documents;
  progress_.text_bytes = text_bytes;
  progress_.seconds = seconds;
  run_.callbacks.on_progress(progress_);
}

ReadParts read_parts(const PrepareRun& run, ExactDuplicates& exact) {
  ReadParts parts;
  parts.first = {0};
  parts.counts.samples = Samples(run.options.samples);
  const bool decided = fs::exists(run.folder.decisions());
  const ReadCursor begin = take_up(run, parts, exact, !decided);
  if (begin.ended) return parts;
  if (parts.parts() > 0 && run.callbacks.on_notice)
    run.callbacks.on_notice("going on behind part " + std::to_string(parts.parts()));
  uint64_t total = 0;
  for (const PrepareSource& source : run.options.sources) {
    for (const fs::path& file : source.files) total += size_of(file);
  }
  std::vector<Cleaner> cleaners;
  cleaners.reserve(run.options.threads);
  for (size_t i = 0; i < run.options.threads; ++i) cleaners.emplace_back(run.options);
  PartMaker maker(run, parts, exact);
  ProgressTeller progress(run, "read", total, begin.packed_bytes);
  uint64_t documents = 0;
  uint64_t bytes = 0;
  OrderedPipeline<CleanBatch> pipeline(
      run.options.threads, [&](CleanBatch& batch, size_t thread) { cleaners[thread].clean(batch); },
      [&](CleanBatch& batch) {
        documents += batch.documents.size();
        bytes += batch.text.size();
        maker.add(batch);
        progress.tell(batch.end.packed_bytes, documents, bytes, batch.end.ended);
      });
  SourceReader reader(run, begin, [&](std::unique_ptr<CleanBatch> batch) {
    run.check_stop();
    pipeline.put(std::move(batch));
  });
  reader.read();
  pipeline.finish();
  return parts;
}

}  // namespace onmal
