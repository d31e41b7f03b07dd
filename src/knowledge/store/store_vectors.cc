#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "knowledge/dense/quantized_vector.h"
#include "knowledge/dense/vector_index.h"
#include "knowledge/store/store.h"
#include "knowledge/store/store_cache.h"

namespace onmal {
namespace {

// pgvector's HNSW index holds no more.
constexpr int64_t kMostIndexedDimensions = 2000;

// As pgvector reads it: "[0.1,-0.2]".
std::string vector_text(std::span<const float> values) {
  std::string text = "[";
  for (const float value : values) {
    if (text.size() > 1) text += ',';
    text += fmt::format("{:.7g}", value);
  }
  return text + "]";
}

}  // namespace

// Rows of pgvector's type beside ours: they can be searched by the server.
void KnowledgeStore::make_vector_table(int64_t dimensions) {
  if (!database_->has_vectors()) return;
  database_->run("DROP TABLE IF EXISTS embeddings");
  database_->run(fmt::format(
      "CREATE TABLE embeddings (chunk BIGINT PRIMARY KEY, value vector({}) NOT NULL)", dimensions));
  if (dimensions <= kMostIndexedDimensions) {
    database_->run(
        "CREATE INDEX embeddings_by_value ON embeddings USING hnsw (value vector_ip_ops)");
  }
}

void KnowledgeStore::insert_vector(int64_t chunk, const std::string& hash,
                                   const std::string& vector) {
  database_->run("INSERT INTO vectors (chunk, hash, value) VALUES ($1, $2, $3)",
                 {SqlParameter::of(chunk), SqlParameter::blob(hash), SqlParameter::blob(vector)});
  if (!database_->has_vectors()) return;
  const QuantizedVector decoded = decode_vector(vector, read_number("dimensions"), where());
  std::vector<float> values;
  for (const int8_t value : decoded.values)
    values.push_back(decoded.scale * static_cast<float>(value));
  const std::string text = vector_text(values);
  database_->run("INSERT INTO embeddings (chunk, value) VALUES ($1, $2::vector)",
                 {SqlParameter::of(chunk), SqlParameter::of(text)});
}

std::vector<ScoredChunk> KnowledgeStore::search_vectors(std::span<const float> query, int64_t k,
                                                        const Access& access) {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction(*database_, false);
  if (read_number("dimensions") != static_cast<int64_t>(query.size())) {
    throw Error(ErrorCode::kInvalidArgument, where(),
                fmt::format("its vectors have {} dimensions, the question's has {}",
                            read_number("dimensions"), query.size()),
                "search with the model that made them");
  }
  std::vector<ScoredChunk> found = database_->has_vectors() ? search_on_server(query, k, access)
                                                            : search_in_memory(query, k, access);
  transaction.commit();
  return found;
}

std::vector<std::vector<float>> KnowledgeStore::vectors(std::span<const int64_t> chunks) {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction(*database_, false);
  const int64_t dimensions = read_number("dimensions");
  std::vector<std::vector<float>> found(chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) {
    database_->run("SELECT value FROM vectors WHERE chunk = $1", {SqlParameter::of(chunks[i])},
                   [&](const SqlRow& row) {
                     const QuantizedVector decoded =
                         decode_vector(row.bytes(0), dimensions, where());
                     for (const int8_t value : decoded.values)
                       found[i].push_back(decoded.scale * static_cast<float>(value));
                   });
  }
  transaction.commit();
  return found;
}

// The server walks its graph until k rows pass the filter.
std::vector<ScoredChunk> KnowledgeStore::search_on_server(std::span<const float> query, int64_t k,
                                                          const Access& access) {
  database_->run("SET LOCAL hnsw.iterative_scan = strict_order");
  database_->run("SET LOCAL hnsw.ef_search = 200");
  const std::string text = vector_text(query);
  const std::string collections = join_lines(access.collections);
  const std::string labels = access.labels ? join_lines(*access.labels) : "";
  std::vector<ScoredChunk> found;
  database_->run(
      "SELECT e.chunk, -(e.value <#> $1::vector) FROM embeddings e "
      "JOIN chunks c ON c.id = e.chunk JOIN documents d ON d.id = c.document "
      "WHERE ($2 = '' OR d.collection = ANY (string_to_array($2, E'\\n'))) AND ($3 = 1 OR "
      "d.labels = '' OR string_to_array(d.labels, E'\\n') && string_to_array($4, E'\\n')) "
      "ORDER BY e.value <#> $1::vector LIMIT $5",
      {SqlParameter::of(text), SqlParameter::of(collections),
       SqlParameter::of(int64_t{access.labels ? 0 : 1}), SqlParameter::of(labels),
       SqlParameter::of(k)},
      [&](const SqlRow& row) {
        found.push_back({row.integer(0), row.number(1)});
      });
  return found;
}

std::vector<ScoredChunk> KnowledgeStore::search_in_memory(std::span<const float> query, int64_t k,
                                                          const Access& access) {
  refresh();
  load_vectors();
  const ChunkRanges& ranges = view_of(access).ranges;
  const auto visible = [&](int64_t chunk) {
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), chunk,
                         [](int64_t number, const std::pair<int64_t, int64_t>& range) {
                           return number < range.first;
                         });
    return after != ranges.begin() && chunk < std::prev(after)->second;
  };
  std::vector<ScoredChunk> found;
  for (const VectorHit& hit : vectors_->search(query, k, visible))
    found.push_back({hit.chunk, hit.score});
  return found;
}

// Adds what came since. Removed ones stay until they are many: no range holds them.
void KnowledgeStore::load_vectors() {
  if (vectors_ != nullptr && vectors_version_ == cache_->version) return;
  int64_t rows = 0;
  database_->run("SELECT count(*) FROM vectors", {},
                 [&](const SqlRow& row) { rows = row.integer(0); });
  const int64_t epoch = read_number("embedder_changes");
  const bool stale = vectors_ == nullptr || vectors_epoch_ != epoch || 2 * rows < vectors_->size();
  if (stale) {
    vectors_ = std::make_unique<VectorIndex>(read_number("dimensions"));
    vectors_epoch_ = epoch;
    last_vector_ = 0;
  }
  database_->run("SELECT chunk, value FROM vectors WHERE chunk > $1 ORDER BY chunk",
                 {SqlParameter::of(last_vector_)}, [&](const SqlRow& row) {
                   vectors_->add(row.integer(0),
                                 decode_vector(row.bytes(1), vectors_->dimensions(), where()));
                   last_vector_ = row.integer(0);
                 });
  vectors_version_ = cache_->version;
}

}  // namespace onmal
