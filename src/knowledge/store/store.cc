#include "knowledge/store/store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "knowledge/dense/vector_index.h"
#include "knowledge/store/store_cache.h"
#include "knowledge/store/term_pages.h"

namespace onmal {
namespace {

constexpr int64_t kSchemaVersion = 1;
constexpr size_t kMostViews = 16;  // callers whose visible bits are kept

constexpr std::array kTables = {
    "CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS words (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, "
    "source TEXT NOT NULL, title TEXT NOT NULL, format TEXT NOT NULL, labels TEXT NOT NULL, "
    "hash TEXT NOT NULL, bytes INTEGER NOT NULL, modified INTEGER NOT NULL, "
    "first_chunk INTEGER NOT NULL, chunks INTEGER NOT NULL, UNIQUE (collection, source))",
    "CREATE TABLE IF NOT EXISTS chunks (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, "
    "begin_byte INTEGER NOT NULL, end_byte INTEGER NOT NULL, begin_character INTEGER NOT NULL, "
    "page INTEGER NOT NULL, headings TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, chunks BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS terms (segment INTEGER NOT NULL, first BLOB NOT NULL, "
    "page BLOB NOT NULL, PRIMARY KEY (segment, first))",
    "CREATE TABLE IF NOT EXISTS vectors (chunk INTEGER PRIMARY KEY, hash BLOB NOT NULL, "
    "value BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS vectors_by_hash ON vectors (hash)",
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

StoredDocument document_of(const SqlRow& row) {
  StoredDocument document;
  document.id = row.integer(0);
  document.collection = row.bytes(1);
  document.source = row.bytes(2);
  document.title = row.bytes(3);
  document.format = row.bytes(4);
  document.labels = split_lines(row.bytes(5));
  document.hash = row.bytes(6);
  document.bytes = row.integer(7);
  document.modified_ns = row.integer(8);
  document.first_chunk = row.integer(9);
  document.chunks = row.integer(10);
  return document;
}

bool may_see(const Access& access, std::string_view collection, std::string_view labels) {
  const auto among = [](const std::vector<std::string>& items, std::string_view item) {
    return std::find(items.begin(), items.end(), item) != items.end();
  };
  if (!access.collections.empty() && !among(access.collections, collection)) return false;
  if (!access.labels || labels.empty()) return true;
  const std::vector<std::string> needed = split_lines(labels);
  return std::any_of(needed.begin(), needed.end(),
                     [&](const std::string& label) { return among(*access.labels, label); });
}

// Tells views apart. Line feeds stand in no name, so no two views give the same text.
std::string view_key(const Access& access) {
  std::string key = join_lines(access.collections) + "\n\n";
  key += access.labels ? join_lines(*access.labels) + "\n" : "*";
  return key;
}

Passage passage_of(const SqlRow& row) {
  Passage passage;
  passage.chunk = row.integer(0);
  passage.document = row.integer(1);
  passage.begin = static_cast<uint64_t>(row.integer(2));
  passage.end = static_cast<uint64_t>(row.integer(3));
  passage.begin_character = row.integer(4);
  passage.page = row.integer(5);
  passage.headings = split_lines(row.bytes(6));
  passage.text = row.bytes(7);
  passage.source = row.bytes(8);
  passage.title = row.bytes(9);
  return passage;
}

constexpr std::string_view kPassageColumns =
    "SELECT c.id, c.document, c.begin_byte, c.end_byte, c.begin_character, c.page, c.headings, "
    "c.text, d.source, d.title FROM chunks c JOIN documents d ON d.id = c.document WHERE ";

constexpr std::string_view kDocumentColumns =
    "SELECT id, collection, source, title, format, labels, hash, bytes, modified, first_chunk, "
    "chunks FROM documents ";

}  // namespace

std::string join_lines(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (&item == items.data() ? "" : "\n") + item;
  return text;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  for (size_t begin = 0;;) {
    const size_t end = text.find('\n', begin);
    items.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return items;
    begin = end + 1;
  }
}

std::vector<uint64_t> bits_of_ranges(const SegmentChunks& chunks, const ChunkRanges& ranges) {
  std::vector<uint64_t> bits((chunks.chunks.size() + 63) / 64);
  auto range = ranges.begin();
  for (size_t i = 0; i < chunks.chunks.size(); ++i) {
    while (range != ranges.end() && range->second <= chunks.chunks[i]) ++range;
    if (range == ranges.end()) break;
    if (chunks.chunks[i] >= range->first) bits[i / 64] |= uint64_t{1} << (i % 64);
  }
  return bits;
}

// Postings as the tables hold them.
class KnowledgeStore::Postings : public PostingsSource {
 public:
  explicit Postings(SqlDatabase& database) : database_(database) {}
  bool find(int64_t segment, std::string_view term, TermPostings& postings) const override {
    bool found = false;
    database_.run(
        "SELECT page FROM terms WHERE segment = $1 AND first <= $2 ORDER BY first DESC LIMIT 1",
        {SqlParameter::of(segment), SqlParameter::blob(term)}, [&](const SqlRow& row) {
          found = find_in_term_page(row.bytes(0), term, database_.where(), postings);
        });
    return found;
  }

 private:
  SqlDatabase& database_;
};

KnowledgeStore::KnowledgeStore(std::unique_ptr<SqlDatabase> database)
    : database_(std::move(database)), cache_(std::make_unique<Cache>()) {
  make_tables();
}

KnowledgeStore::~KnowledgeStore() = default;

void KnowledgeStore::make_tables() {
  SqlTransaction transaction(*database_, true);
  for (const std::string_view table : kTables) {
    std::string sql(table);
    if (database_->dialect() == SqlDialect::kPostgres) {
      replace_all(sql, "INTEGER", "BIGINT");
      replace_all(sql, "BLOB", "BYTEA");
    }
    database_->run(sql);
  }
  const int64_t version = read_number("schema");
  if (version > kSchemaVersion) {
    throw Error(ErrorCode::kUnsupported, where(),
                "was made by a newer version (tables " + std::to_string(version) + ", known " +
                    std::to_string(kSchemaVersion) + ")",
                "use that version, or add the documents to a new store");
  }
  if (version == 0) write_number("schema", kSchemaVersion);
  transaction.commit();
}

int64_t KnowledgeStore::read_number(std::string_view name) {
  int64_t value = 0;
  database_->run("SELECT value FROM numbers WHERE name = $1", {SqlParameter::of(name)},
                 [&](const SqlRow& row) { value = row.integer(0); });
  return value;
}

void KnowledgeStore::write_number(std::string_view name, int64_t value) {
  database_->run(
      "INSERT INTO numbers (name, value) VALUES ($1, $2) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      {SqlParameter::of(name), SqlParameter::of(value)});
}

std::string KnowledgeStore::read_word(std::string_view name) {
  std::string value;
  database_->run("SELECT value FROM words WHERE name = $1", {SqlParameter::of(name)},
                 [&](const SqlRow& row) { value = row.bytes(0); });
  return value;
}

std::string KnowledgeStore::embedder() {
  const std::lock_guard lock(mutex_);
  return read_word("embedder");
}

StoreStatus KnowledgeStore::status() {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction(*database_, false);
  StoreStatus status;
  const auto count = [&](std::string_view sql) {
    int64_t number = 0;
    database_->run(sql, {}, [&](const SqlRow& row) { number = row.integer(0); });
    return number;
  };
  status.documents = count("SELECT count(*) FROM documents");
  status.chunks = count("SELECT count(*) FROM chunks");
  status.segments = count("SELECT count(*) FROM segments");
  status.vectors = count("SELECT count(*) FROM vectors");
  status.embedder = read_word("embedder");
  transaction.commit();
  return status;
}

std::vector<StoredDocument> KnowledgeStore::documents(const Access& access) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredDocument> found;
  database_->run(std::string(kDocumentColumns) + "ORDER BY collection, source", {},
                 [&](const SqlRow& row) {
                   if (may_see(access, row.bytes(1), row.bytes(5)))
                     found.push_back(document_of(row));
                 });
  return found;
}

std::optional<StoredDocument> KnowledgeStore::find_document(const std::string& collection,
                                                            const std::string& source) {
  const std::lock_guard lock(mutex_);
  std::optional<StoredDocument> found;
  database_->run(std::string(kDocumentColumns) + "WHERE collection = $1 AND source = $2",
                 {SqlParameter::of(collection), SqlParameter::of(source)},
                 [&](const SqlRow& row) { found = document_of(row); });
  return found;
}

std::string KnowledgeStore::find_vector(const std::string& chunk_hash) {
  const std::lock_guard lock(mutex_);
  std::string vector;
  database_->run("SELECT value FROM vectors WHERE hash = $1 LIMIT 1",
                 {SqlParameter::blob(chunk_hash)},
                 [&](const SqlRow& row) { vector = row.bytes(0); });
  return vector;
}

void KnowledgeStore::refresh() {
  const int64_t version = read_number("version");
  if (cache_->version == version) return;
  auto fresh = std::make_unique<Cache>();
  fresh->version = version;
  database_->run(
      "SELECT first_chunk, chunks, collection, labels FROM documents ORDER BY first_chunk", {},
      [&](const SqlRow& row) {
        fresh->documents.push_back(
            {row.integer(0), row.integer(1), std::string(row.bytes(2)), std::string(row.bytes(3))});
      });
  load_segments(*fresh);
  cache_ = std::move(fresh);
}

// Segments never change: those known are taken over.
void KnowledgeStore::load_segments(Cache& cache) {
  cache_->version = -1;  // it gives its segments away
  std::vector<int64_t> ids;
  database_->run("SELECT id FROM segments ORDER BY id", {},
                 [&](const SqlRow& row) { ids.push_back(row.integer(0)); });
  std::unordered_map<int64_t, Cache::Segment*> known;
  for (Cache::Segment& segment : cache_->segments) known.emplace(segment.id, &segment);
  for (const int64_t id : ids) {
    const auto old = known.find(id);
    if (old != known.end()) {
      cache.segments.push_back(std::move(*old->second));
      continue;
    }
    Cache::Segment segment;
    segment.id = id;
    database_->run(
        "SELECT chunks FROM segments WHERE id = $1", {SqlParameter::of(id)},
        [&](const SqlRow& row) { segment.chunks = decode_segment_chunks(row.bytes(0), where()); });
    cache.segments.push_back(std::move(segment));
  }
}

ChunkRanges KnowledgeStore::visible_now(const Access& access) const {
  ChunkRanges ranges;
  for (const Cache::Document& document : cache_->documents) {
    if (document.chunks == 0 || !may_see(access, document.collection, document.labels)) continue;
    const int64_t end = document.first_chunk + document.chunks;
    if (!ranges.empty() && ranges.back().second == document.first_chunk) {
      ranges.back().second = end;
    } else {
      ranges.emplace_back(document.first_chunk, end);
    }
  }
  return ranges;
}

const KnowledgeStore::View& KnowledgeStore::view_of(const Access& access) {
  const std::string key = view_key(access);
  const auto known = cache_->views.find(key);
  if (known != cache_->views.end()) return known->second;
  if (cache_->views.size() >= kMostViews) cache_->views.clear();
  View view;
  view.ranges = visible_now(access);
  for (const Cache::Segment& segment : cache_->segments)
    view.bits.push_back(bits_of_ranges(segment.chunks, view.ranges));
  return cache_->views.emplace(key, std::move(view)).first->second;
}

std::vector<ScoredChunk> KnowledgeStore::search_terms(std::span<const TermCount> query, int64_t k,
                                                      const Access& access, double* possible) {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction(*database_, false);
  refresh();
  const View& view = view_of(access);
  std::vector<SegmentView> segments;
  for (size_t i = 0; i < cache_->segments.size(); ++i) {
    const Cache::Segment& segment = cache_->segments[i];
    segments.push_back({segment.id, &segment.chunks, view.bits[i]});
  }
  std::vector<ScoredChunk> found =
      search_segments(segments, Postings(*database_), query, k, {}, possible);
  transaction.commit();
  return found;
}

std::vector<Passage> KnowledgeStore::passages(std::span<const int64_t> chunks) {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction(*database_, false);
  std::vector<Passage> found;
  for (const int64_t chunk : chunks) {
    database_->run(std::string(kPassageColumns) + "c.id = $1", {SqlParameter::of(chunk)},
                   [&](const SqlRow& row) { found.push_back(passage_of(row)); });
  }
  transaction.commit();
  return found;
}

std::vector<Passage> KnowledgeStore::document_passages(int64_t document) {
  const std::lock_guard lock(mutex_);
  std::vector<Passage> found;
  database_->run(std::string(kPassageColumns) +
                     "d.id = $1 AND c.id >= d.first_chunk AND c.id < d.first_chunk + d.chunks "
                     "ORDER BY c.id",
                 {SqlParameter::of(document)},
                 [&](const SqlRow& row) { found.push_back(passage_of(row)); });
  return found;
}

}  // namespace onmal
