#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"
#include "knowledge/lexical/segment.h"
#include "knowledge/passage.h"
#include "knowledge/store/sql_database.h"

namespace onmal {

class VectorIndex;

// What a caller may see. A document without labels is for everybody; one with labels is for callers
// that hold at least one of them.
struct Access {
  std::vector<std::string> collections = {};            // empty: all
  std::optional<std::vector<std::string>> labels = {};  // that the caller holds; none: sees all
};

struct StoredDocument {
  int64_t id = 0;
  std::string collection = "default";
  std::string source;  // its path, as it was added; one document a collection
  std::string title;
  std::string format;
  std::vector<std::string> labels;
  std::string hash;         // of the file's bytes and of how it is cut
  int64_t bytes = 0;        // of the file
  int64_t modified_ns = 0;  // of the file, since 1970
  int64_t first_chunk = 0;  // its chunks are numbered without a gap
  int64_t chunks = 0;
};

struct NewChunk {
  uint64_t begin = 0;  // bytes of the document's text
  uint64_t end = 0;
  int64_t begin_character = 0;
  int64_t page = 0;
  std::vector<std::string> headings;
  std::string text;
  std::string hash;              // of the text and what stands above it
  std::vector<TermCount> terms;  // distinct
  std::string vector;            // stored form (dense/quantized_vector.h); "": none
};

struct NewDocument {
  StoredDocument info;  // id, first_chunk and chunks are the store's to give
  std::vector<NewChunk> chunks;
};

// All of it, or nothing.
struct StoreBatch {
  std::vector<NewDocument> add;  // takes the place of the document of its collection and source
  std::vector<int64_t> remove;   // documents' ids
  // Those whose bytes are as they were: only what is known of the file changes.
  std::vector<StoredDocument> touch;
};

struct StoreStatus {
  int64_t documents = 0;
  int64_t chunks = 0;
  int64_t segments = 0;
  int64_t vectors = 0;
  std::string embedder;  // identity of the model that made them; "": none
};

// Documents, their chunks, an inverted index and vectors in a database: one SQLite file or a
// PostgreSQL schema, by the same tables and statements. What a search sees is the state of one
// commit. Thread-safe: calls take turns. Throws Error as SqlDatabase does, and kUnsupported for the
// tables of a newer version.
class KnowledgeStore {
 public:
  // Makes the tables where there are none.
  explicit KnowledgeStore(std::unique_ptr<SqlDatabase> database);
  ~KnowledgeStore();

  const std::string& where() const { return database_->where(); }
  StoreStatus status();

  // In the order of collection and source.
  std::vector<StoredDocument> documents(const Access& access);
  std::optional<StoredDocument> find_document(const std::string& collection,
                                              const std::string& source);
  // The vector of any chunk with this hash, so that it is not made again; "" when there is none.
  std::string find_vector(const std::string& chunk_hash);

  void apply(const StoreBatch& batch);
  // From now on vectors are this model's. Those of another one are removed; every document that had
  // them is made anew by the next 'add', because its hash is forgotten. `dimensions` of them.
  void set_embedder(const std::string& identity, int64_t dimensions);

  // The best k chunks by BM25; `possible` as search_segments() has it.
  std::vector<ScoredChunk> search_terms(std::span<const TermCount> query, int64_t k,
                                        const Access& access, double* possible = nullptr);
  // The k chunks whose vectors have the greatest dot product with the query, best first: by
  // pgvector where the database has it, else by an index in memory. Throws Error(kInvalidArgument)
  // for a query of other dimensions.
  std::vector<ScoredChunk> search_vectors(std::span<const float> query, int64_t k,
                                          const Access& access);
  // In the order asked for; empty for a chunk without one.
  std::vector<std::vector<float>> vectors(std::span<const int64_t> chunks);
  // Identity of the model that made the vectors; "": there are none.
  std::string embedder();

  // In the order asked for; one that is gone meanwhile is left out.
  std::vector<Passage> passages(std::span<const int64_t> chunks);
  // The text of a document between two bytes, put together from its chunks: to show a passage in
  // its place.
  std::vector<Passage> document_passages(int64_t document);

 private:
  struct Cache;
  struct View;
  class Postings;

  void make_tables();
  void refresh();
  void load_segments(Cache& cache);
  std::vector<std::pair<int64_t, int64_t>> visible_now(const Access& access) const;
  const View& view_of(const Access& access);
  void apply_now(const StoreBatch& batch);
  int64_t insert_document(const NewDocument& document, int64_t first_chunk);
  void insert_chunks(const NewDocument& document, int64_t id, int64_t first_chunk);
  void remove_document(int64_t id);
  void make_vector_table(int64_t dimensions);
  void insert_vector(int64_t chunk, const std::string& hash, const std::string& vector);
  std::vector<ScoredChunk> search_on_server(std::span<const float> query, int64_t k,
                                            const Access& access);
  std::vector<ScoredChunk> search_in_memory(std::span<const float> query, int64_t k,
                                            const Access& access);
  void load_vectors();
  void write_segment(FunctionRef<SegmentChunks(FunctionRef<void(const TermPostings&)>)> make);
  void merge_tiers();
  void merge(const std::vector<size_t>& places);
  int64_t read_number(std::string_view name);
  std::string read_word(std::string_view name);
  void write_number(std::string_view name, int64_t value);

  std::mutex mutex_;
  std::unique_ptr<SqlDatabase> database_;
  std::unique_ptr<Cache> cache_;
  // Of a database that finds no vectors itself.
  std::unique_ptr<VectorIndex> vectors_;
  int64_t vectors_epoch_ = 0;     // of the embedder
  int64_t vectors_version_ = -1;  // of the tables that are loaded
  int64_t last_vector_ = 0;
};

}  // namespace onmal
