#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

// A value given to a statement. Refers to the bytes; they must outlive the call.
struct SqlParameter {
  enum class Kind : uint8_t { kInteger, kText, kBlob };
  Kind kind = Kind::kInteger;
  int64_t integer = 0;
  std::string_view bytes;

  static SqlParameter of(int64_t value) { return {Kind::kInteger, value, {}}; }
  static SqlParameter of(std::string_view text) { return {Kind::kText, 0, text}; }
  static SqlParameter blob(std::string_view bytes) { return {Kind::kBlob, 0, bytes}; }
};

// A row of a result; good until the next one.
class SqlRow {
 public:
  virtual ~SqlRow() = default;
  virtual int64_t integer(int column) const = 0;
  virtual double number(int column) const = 0;
  // Of a text or blob column; empty for NULL.
  virtual std::string_view bytes(int column) const = 0;
};

enum class SqlDialect : uint8_t { kSqlite, kPostgres };

// One connection to a database that keeps a store. Statements are the same text for all: parameters
// are $1, $2, … in order, no two statements at once. Not thread-safe.
class SqlDatabase {
 public:
  virtual ~SqlDatabase() = default;

  virtual SqlDialect dialect() const = 0;
  // Names the place in messages: the file's path, the server and database.
  virtual const std::string& where() const = 0;
  // Runs one statement, prepared once and kept. Throws Error(kIo) with the database's own words,
  // Error(kBadFile) where it says that its file is damaged, Error(kResource) for a full disk.
  virtual void run(std::string_view sql, const std::vector<SqlParameter>& parameters,
                   FunctionRef<void(const SqlRow&)> on_row) = 0;
  void run(std::string_view sql, const std::vector<SqlParameter>& parameters = {}) {
    run(sql, parameters, [](const SqlRow&) {});
  }
  // A transaction; a writing one waits for other writers. All that is read within one is of one
  // moment.
  virtual void begin(bool writing) = 0;
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  // True where the database finds near vectors itself (pgvector).
  virtual bool has_vectors() const = 0;
};

// A transaction that is undone unless committed.
class SqlTransaction {
 public:
  SqlTransaction(SqlDatabase& database, bool writing) : database_(database) {
    database_.begin(writing);
  }
  ~SqlTransaction() {
    if (!done_) database_.rollback();
  }
  SqlTransaction(const SqlTransaction&) = delete;
  SqlTransaction& operator=(const SqlTransaction&) = delete;
  void commit() {
    database_.commit();
    done_ = true;
  }

 private:
  SqlDatabase& database_;
  bool done_ = false;
};

// Opens or makes the file; `must_exist` refuses to make one (Error kIo). Throws Error(kBadFile) for
// a file that is no SQLite database.
std::unique_ptr<SqlDatabase> open_sqlite(const std::filesystem::path& path, bool must_exist);

// Connects by a libpq connection string or URI ("postgresql://user@host/database"). The tables live
// in `schema`, made when it is not there. Throws Error(kIo) with the server's words; a password
// never stands in a message.
std::unique_ptr<SqlDatabase> open_postgres(const std::string& connection,
                                           const std::string& schema = "onmal");

}  // namespace onmal
