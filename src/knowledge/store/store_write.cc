#include <algorithm>
#include <bit>
#include <utility>

#include "knowledge/store/store.h"
#include "knowledge/store/store_cache.h"
#include "knowledge/store/term_pages.h"

namespace onmal {
namespace {

// So many segments of about the same size become one.
constexpr size_t kTierSegments = 8;

// Segments whose numbers of chunks differ by less than eight times are of one tier.
int tier_of(size_t chunks) { return static_cast<int>((std::bit_width(chunks) - 1) / 3); }

// Text columns hold no zero byte: PostgreSQL's cannot.
std::string without_zeros(std::string text) {
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

// Walks the terms of a segment page by page.
class MergeCursor {
 public:
  MergeCursor(SqlDatabase& database, int64_t segment) : database_(database), segment_(segment) {
    load();
  }
  bool done() const { return at_ == terms_.size(); }
  const TermPostings& term() const { return terms_[at_]; }
  void next() {
    if (++at_ == terms_.size()) load();
  }

 private:
  void load() {
    terms_.clear();
    at_ = 0;
    const auto take = [&](const SqlRow& row) {
      last_first_ = row.bytes(0);
      started_ = true;
      read_term_page(row.bytes(1), database_.where(),
                     [&](std::string_view term, int64_t chunks, std::string_view bytes) {
                       terms_.push_back({std::string(term), chunks, std::string(bytes)});
                     });
    };
    if (!started_) {
      database_.run("SELECT first, page FROM terms WHERE segment = $1 ORDER BY first LIMIT 1",
                    {SqlParameter::of(segment_)}, take);
    } else {
      const std::string after = last_first_;
      database_.run(
          "SELECT first, page FROM terms WHERE segment = $1 AND first > $2 ORDER BY first LIMIT 1",
          {SqlParameter::of(segment_), SqlParameter::blob(after)}, take);
    }
  }

  SqlDatabase& database_;
  int64_t segment_;
  bool started_ = false;
  std::string last_first_;
  std::vector<TermPostings> terms_;
  size_t at_ = 0;
};

}  // namespace

void KnowledgeStore::apply(const StoreBatch& batch) {
  const std::lock_guard lock(mutex_);
  try {
    SqlTransaction transaction(*database_, true);
    apply_now(batch);
    transaction.commit();
  } catch (...) {
    // What was seen within the transaction has never been: its numbers will be given out again.
    cache_ = std::make_unique<Cache>();
    throw;
  }
}

void KnowledgeStore::apply_now(const StoreBatch& batch) {
  for (const int64_t id : batch.remove) remove_document(id);
  int64_t next = std::max<int64_t>(read_number("next_chunk"), 1);
  SegmentBuilder builder;
  for (const NewDocument& document : batch.add) {
    const int64_t id = insert_document(document, next);
    insert_chunks(document, id, next);
    for (const NewChunk& chunk : document.chunks) builder.add(next++, chunk.terms);
  }
  for (const StoredDocument& document : batch.touch) {
    database_->run("UPDATE documents SET bytes = $1, modified = $2 WHERE id = $3",
                   {SqlParameter::of(document.bytes), SqlParameter::of(document.modified_ns),
                    SqlParameter::of(document.id)});
  }
  write_number("next_chunk", next);
  if (!builder.empty()) {
    write_segment(
        [&](FunctionRef<void(const TermPostings&)> take) { return builder.finish(take); });
  }
  write_number("version", read_number("version") + 1);
  merge_tiers();
}

int64_t KnowledgeStore::insert_document(const NewDocument& document, int64_t first_chunk) {
  const StoredDocument& info = document.info;
  std::optional<int64_t> old;
  database_->run("SELECT id FROM documents WHERE collection = $1 AND source = $2",
                 {SqlParameter::of(info.collection), SqlParameter::of(info.source)},
                 [&](const SqlRow& row) { old = row.integer(0); });
  if (old) remove_document(*old);
  const int64_t id = read_number("next_document") + 1;
  write_number("next_document", id);
  const std::string title = without_zeros(info.title);
  const std::string labels = join_lines(info.labels);
  database_->run(
      "INSERT INTO documents (id, collection, source, title, format, labels, hash, bytes, "
      "modified, first_chunk, chunks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
      {SqlParameter::of(id), SqlParameter::of(info.collection), SqlParameter::of(info.source),
       SqlParameter::of(title), SqlParameter::of(info.format), SqlParameter::of(labels),
       SqlParameter::of(info.hash), SqlParameter::of(info.bytes),
       SqlParameter::of(info.modified_ns), SqlParameter::of(first_chunk),
       SqlParameter::of(static_cast<int64_t>(document.chunks.size()))});
  return id;
}

void KnowledgeStore::insert_chunks(const NewDocument& document, int64_t id, int64_t first_chunk) {
  int64_t number = first_chunk;
  for (const NewChunk& chunk : document.chunks) {
    const std::string text = without_zeros(chunk.text);
    const std::string headings = without_zeros(join_lines(chunk.headings));
    database_->run(
        "INSERT INTO chunks (id, document, begin_byte, end_byte, begin_character, page, headings, "
        "text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        {SqlParameter::of(number), SqlParameter::of(id),
         SqlParameter::of(static_cast<int64_t>(chunk.begin)),
         SqlParameter::of(static_cast<int64_t>(chunk.end)), SqlParameter::of(chunk.begin_character),
         SqlParameter::of(chunk.page), SqlParameter::of(headings), SqlParameter::of(text)});
    if (!chunk.vector.empty()) insert_vector(number, chunk.hash, chunk.vector);
    ++number;
  }
}

void KnowledgeStore::remove_document(int64_t id) {
  int64_t first = 0;
  int64_t chunks = 0;
  database_->run("SELECT first_chunk, chunks FROM documents WHERE id = $1", {SqlParameter::of(id)},
                 [&](const SqlRow& row) {
                   first = row.integer(0);
                   chunks = row.integer(1);
                 });
  const std::vector<SqlParameter> range = {SqlParameter::of(first),
                                           SqlParameter::of(first + chunks)};
  database_->run("DELETE FROM vectors WHERE chunk >= $1 AND chunk < $2", range);
  if (database_->has_vectors() && read_number("dimensions") > 0)
    database_->run("DELETE FROM embeddings WHERE chunk >= $1 AND chunk < $2", range);
  database_->run("DELETE FROM chunks WHERE id >= $1 AND id < $2", range);
  database_->run("DELETE FROM documents WHERE id = $1", {SqlParameter::of(id)});
}

void KnowledgeStore::set_embedder(const std::string& identity, int64_t dimensions) {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction(*database_, true);
  if (read_word("embedder") == identity && read_number("dimensions") == dimensions) return;
  database_->run("DELETE FROM vectors");
  database_->run("UPDATE documents SET hash = ''");
  database_->run(
      "INSERT INTO words (name, value) VALUES ($1, $2) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      {SqlParameter::of("embedder"), SqlParameter::of(identity)});
  write_number("dimensions", dimensions);
  write_number("embedder_changes", read_number("embedder_changes") + 1);
  make_vector_table(dimensions);
  write_number("version", read_number("version") + 1);
  transaction.commit();
}

void KnowledgeStore::write_segment(
    FunctionRef<SegmentChunks(FunctionRef<void(const TermPostings&)>)> make) {
  const int64_t id = read_number("next_segment") + 1;
  write_number("next_segment", id);
  const auto put = [&](std::string_view first, std::string_view page) {
    database_->run("INSERT INTO terms (segment, first, page) VALUES ($1, $2, $3)",
                   {SqlParameter::of(id), SqlParameter::blob(first), SqlParameter::blob(page)});
  };
  TermPageWriter pages(put);
  const SegmentChunks chunks = make([&](const TermPostings& postings) { pages.add(postings); });
  pages.finish();
  if (chunks.chunks.empty()) return;
  const std::string encoded = encode_segment_chunks(chunks);
  database_->run("INSERT INTO segments (id, chunks) VALUES ($1, $2)",
                 {SqlParameter::of(id), SqlParameter::blob(encoded)});
}

// Few segments keep searches fast: a full tier becomes one segment of the next, and one of which
// more than half is deleted is written anew. The version has changed, so refresh() sees all.
void KnowledgeStore::merge_tiers() {
  for (;;) {
    refresh();
    const ChunkRanges alive = visible_now({});
    std::unordered_map<int, std::vector<size_t>> tiers;
    std::vector<size_t> chosen;
    for (size_t i = 0; i < cache_->segments.size() && chosen.empty(); ++i) {
      const SegmentChunks& chunks = cache_->segments[i].chunks;
      size_t left = 0;
      for (const uint64_t bits : bits_of_ranges(chunks, alive))
        left += static_cast<size_t>(std::popcount(bits));
      if (2 * left < chunks.chunks.size()) chosen = {i};
      std::vector<size_t>& tier = tiers[tier_of(chunks.chunks.size())];
      tier.push_back(i);
      if (tier.size() == kTierSegments) chosen = tier;
    }
    if (chosen.empty()) return;
    merge(chosen);
    cache_->version = -1;
  }
}

void KnowledgeStore::merge(const std::vector<size_t>& places) {
  const ChunkRanges alive = visible_now({});
  std::vector<std::vector<uint64_t>> bits;
  std::vector<SegmentView> segments;
  std::vector<MergeCursor> cursors;
  for (const size_t place : places) {
    const Cache::Segment& segment = cache_->segments[place];
    bits.push_back(bits_of_ranges(segment.chunks, alive));
    cursors.emplace_back(*database_, segment.id);
    segments.push_back({segment.id, &segment.chunks, {}});
  }
  for (size_t i = 0; i < bits.size(); ++i) segments[i].visible = bits[i];
  const auto every_term = [&](FunctionRef<void(size_t, const TermPostings&)> take) {
    for (;;) {
      const MergeCursor* least = nullptr;
      for (const MergeCursor& cursor : cursors) {
        if (!cursor.done() && (least == nullptr || cursor.term().term < least->term().term))
          least = &cursor;
      }
      if (least == nullptr) return;
      const std::string term = least->term().term;
      for (size_t i = 0; i < cursors.size(); ++i) {
        if (cursors[i].done() || cursors[i].term().term != term) continue;
        take(i, cursors[i].term());
        cursors[i].next();
      }
    }
  };
  write_segment([&](FunctionRef<void(const TermPostings&)> take) {
    return merge_segments(segments, every_term, take);
  });
  for (const SegmentView& segment : segments) {
    database_->run("DELETE FROM terms WHERE segment = $1", {SqlParameter::of(segment.id)});
    database_->run("DELETE FROM segments WHERE id = $1", {SqlParameter::of(segment.id)});
  }
}

}  // namespace onmal
