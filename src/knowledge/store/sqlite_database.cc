#include <sqlite3.h>

#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "knowledge/store/sql_database.h"

namespace onmal {
namespace {

constexpr int kBusyMilliseconds = 30'000;

class SqliteRow : public SqlRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  double number(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string_view bytes(int column) const override {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string_view{} : std::string_view(data, static_cast<size_t>(size));
  }

 private:
  sqlite3_stmt* statement_;
};

class SqliteDatabase : public SqlDatabase {
 public:
  SqliteDatabase(const std::filesystem::path& path, bool must_exist) : where_(path.string()) {
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (must_exist ? 0 : SQLITE_OPEN_CREATE);
    const int status = sqlite3_open_v2(where_.c_str(), &handle_, flags, nullptr);
    try {
      if (status != SQLITE_OK) fail(status);
      sqlite3_extended_result_codes(handle_, 1);
      sqlite3_busy_timeout(handle_, kBusyMilliseconds);
      // Write-ahead log: readers go on while one writes; FULL: what was committed outlives a power
      // cut.
      execute("PRAGMA journal_mode = WAL");
      execute("PRAGMA synchronous = FULL");
      execute("PRAGMA foreign_keys = ON");
      execute("PRAGMA cache_size = -65536");
      execute("PRAGMA mmap_size = 1073741824");
    } catch (...) {
      close();
      throw;
    }
  }
  ~SqliteDatabase() override { close(); }
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  SqlDialect dialect() const override { return SqlDialect::kSqlite; }
  const std::string& where() const override { return where_; }
  bool has_vectors() const override { return false; }

  using SqlDatabase::run;
  void run(std::string_view sql, const std::vector<SqlParameter>& parameters,
           FunctionRef<void(const SqlRow&)> on_row) override {
    sqlite3_stmt* statement = prepare(sql);
    // Reset also when a callback throws: a statement left open would hold its transaction.
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> reset(statement, sqlite3_reset);
    for (size_t i = 0; i < parameters.size(); ++i)
      bind(statement, static_cast<int>(i) + 1, parameters[i]);
    const SqliteRow row(statement);
    for (;;) {
      const int status = sqlite3_step(statement);
      if (status == SQLITE_DONE) return;
      if (status != SQLITE_ROW) fail(status);
      on_row(row);
    }
  }

  void begin(bool writing) override { run(writing ? "BEGIN IMMEDIATE" : "BEGIN"); }
  void commit() override { run("COMMIT"); }
  void rollback() noexcept override {
    if (sqlite3_get_autocommit(handle_) == 0)
      sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }

 private:
  void close() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    statements_.clear();
    sqlite3_close_v2(handle_);
    handle_ = nullptr;
  }

  [[noreturn]] void fail(int status) const {
    const std::string words = handle_ == nullptr ? sqlite3_errstr(status) : sqlite3_errmsg(handle_);
    switch (status & 0xFF) {
      case SQLITE_NOTADB:
        throw Error(ErrorCode::kBadFile, where_, "is no knowledge store",
                    "give the file that 'onmal know add' made, or a new name");
      case SQLITE_CORRUPT:
        throw Error(ErrorCode::kBadFile, where_, "is damaged: " + words,
                    "restore it from a copy, or remove it and add the documents again");
      case SQLITE_FULL:
        throw Error(ErrorCode::kResource, where_, "no room left on the disk",
                    "nothing was changed");
      case SQLITE_NOMEM:
        throw Error(ErrorCode::kResource, where_, "too little memory");
      case SQLITE_BUSY:
        throw Error(ErrorCode::kIo, where_, "another program is writing to it",
                    "try again when it is done");
      case SQLITE_CANTOPEN:
        throw Error(ErrorCode::kIo, where_, "cannot be opened",
                    "check the path and its permissions; 'onmal know add' makes a new store");
      default:
        throw Error(ErrorCode::kIo, where_, words);
    }
  }

  void execute(const char* sql) {
    const int status = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (status != SQLITE_OK) fail(status);
  }

  sqlite3_stmt* prepare(std::string_view sql) {
    const auto known = statements_.find(std::string(sql));
    if (known != statements_.end()) return known->second;
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) fail(status);
    statements_.emplace(sql, statement);
    return statement;
  }

  void bind(sqlite3_stmt* statement, int place, const SqlParameter& parameter) const {
    // An empty view may have no address, which SQLite would take as NULL.
    const char* data = parameter.bytes.data() == nullptr ? "" : parameter.bytes.data();
    const auto size = static_cast<sqlite3_uint64>(parameter.bytes.size());
    int status = SQLITE_OK;
    switch (parameter.kind) {
      case SqlParameter::Kind::kInteger:
        status = sqlite3_bind_int64(statement, place, parameter.integer);
        break;
      case SqlParameter::Kind::kText:
        status = sqlite3_bind_text64(statement, place, data, size, SQLITE_STATIC, SQLITE_UTF8);
        break;
      case SqlParameter::Kind::kBlob:
        status = sqlite3_bind_blob64(statement, place, data, size, SQLITE_STATIC);
        break;
    }
    if (status != SQLITE_OK) fail(status);
  }

  sqlite3* handle_ = nullptr;
  std::string where_;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

}  // namespace

std::unique_ptr<SqlDatabase> open_sqlite(const std::filesystem::path& path, bool must_exist) {
  return std::make_unique<SqliteDatabase>(path, must_exist);
}

}  // namespace onmal
