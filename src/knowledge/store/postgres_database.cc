#include <endian.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "knowledge/store/sql_database.h"

namespace onmal {
namespace {

// Numbers of the built-in types (pg_type.dat).
constexpr Oid kByteaType = 17;
constexpr Oid kBigintType = 20;
constexpr Oid kTextType = 25;
constexpr int kBinary = 1;

using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

class PostgresRow : public SqlRow {
 public:
  PostgresRow(const PGresult* result, int row) : result_(result), row_(row) {}
  int64_t integer(int column) const override {
    const std::string_view raw = bytes(column);
    if (raw.size() == sizeof(uint32_t)) {
      uint32_t value = 0;
      std::memcpy(&value, raw.data(), sizeof(value));
      return std::bit_cast<int32_t>(be32toh(value));
    }
    uint64_t value = 0;
    if (raw.size() == sizeof(value)) std::memcpy(&value, raw.data(), sizeof(value));
    return std::bit_cast<int64_t>(be64toh(value));
  }
  double number(int column) const override { return std::bit_cast<double>(integer(column)); }
  std::string_view bytes(int column) const override {
    if (PQgetisnull(result_, row_, column) != 0) return {};
    return {PQgetvalue(result_, row_, column),
            static_cast<size_t>(PQgetlength(result_, row_, column))};
  }

 private:
  const PGresult* result_;
  int row_;
};

// A name as SQL writes it.
std::string quoted(const std::string& name) {
  std::string text(1, '"');
  for (const char character : name) text.append(character == '"' ? 2 : 1, character);
  text.push_back('"');
  return text;
}

class PostgresDatabase : public SqlDatabase {
 public:
  PostgresDatabase(const std::string& connection, const std::string& schema) {
    handle_ = PQconnectdb(connection.c_str());
    if (PQstatus(handle_) != CONNECTION_OK) {
      const std::string words = handle_ == nullptr ? "too little memory" : PQerrorMessage(handle_);
      PQfinish(handle_);
      throw Error(ErrorCode::kIo, "PostgreSQL",
                  std::string("no connection: ").append(trim_ascii(words)),
                  "check the address, user and password (PGPASSWORD, ~/.pgpass)");
    }
    where_.append("PostgreSQL ").append(PQhost(handle_)).append("/").append(PQdb(handle_));
    try {
      // Silence about tables that are there already.
      execute("SET client_min_messages = warning");
      execute("SET client_encoding = 'UTF8'");
      // Two that make it at once would fail, whatever IF NOT EXISTS says.
      execute("SELECT pg_advisory_lock(hashtext('onmal schema'))");
      execute(std::string("CREATE SCHEMA IF NOT EXISTS ").append(quoted(schema)));
      execute("SELECT pg_advisory_unlock(hashtext('onmal schema'))");
      execute(std::string("SET search_path = ").append(quoted(schema)).append(", public"));
      find_vectors();
    } catch (...) {
      PQfinish(handle_);
      throw;
    }
  }
  ~PostgresDatabase() override { PQfinish(handle_); }
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;

  SqlDialect dialect() const override { return SqlDialect::kPostgres; }
  const std::string& where() const override { return where_; }
  bool has_vectors() const override { return has_vectors_; }

  using SqlDatabase::run;
  void run(std::string_view sql, const std::vector<SqlParameter>& parameters,
           FunctionRef<void(const SqlRow&)> on_row) override {
    const std::string& name = prepare(sql, parameters);
    std::vector<int64_t> integers(parameters.size());
    std::vector<const char*> values(parameters.size());
    std::vector<int> lengths(parameters.size());
    const std::vector<int> formats(parameters.size(), kBinary);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const SqlParameter& parameter = parameters[i];
      if (parameter.kind == SqlParameter::Kind::kInteger) {
        integers[i] = std::bit_cast<int64_t>(htobe64(std::bit_cast<uint64_t>(parameter.integer)));
        values[i] = reinterpret_cast<const char*>(&integers[i]);
        lengths[i] = sizeof(int64_t);
        continue;
      }
      // A null address would be NULL.
      values[i] = parameter.bytes.data() == nullptr ? "" : parameter.bytes.data();
      lengths[i] = static_cast<int>(parameter.bytes.size());
    }
    const Result result =
        check(PQexecPrepared(handle_, name.c_str(), static_cast<int>(parameters.size()),
                             values.data(), lengths.data(), formats.data(), kBinary));
    const int rows = PQntuples(result.get());
    for (int row = 0; row < rows; ++row) on_row(PostgresRow(result.get(), row));
  }

  void begin(bool writing) override {
    if (!writing) {
      execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      return;
    }
    // Writers take turns; each statement behind the lock sees what the one before has committed.
    execute("BEGIN ISOLATION LEVEL READ COMMITTED");
    execute("SELECT pg_advisory_xact_lock(hashtext(current_schema()))");
  }
  void commit() override { execute("COMMIT"); }
  void rollback() noexcept override { PQclear(PQexec(handle_, "ROLLBACK")); }

 private:
  Result check(PGresult* raw) const {
    Result result(raw, PQclear);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    const char* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
    const bool full = state != nullptr && std::string_view(state) == "53100";
    throw Error(full ? ErrorCode::kResource : ErrorCode::kIo, where_,
                std::string(trim_ascii(PQerrorMessage(handle_))));
  }

  Result execute(const std::string& sql) const { return check(PQexec(handle_, sql.c_str())); }

  // Uses pgvector where it is installed, or may be.
  void find_vectors() {
    const Result offered = execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'");
    if (PQntuples(offered.get()) == 0) return;
    const Result made =
        Result(PQexec(handle_, "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public"), PQclear);
    has_vectors_ = PQresultStatus(made.get()) == PGRES_COMMAND_OK;
  }

  const std::string& prepare(std::string_view sql, const std::vector<SqlParameter>& parameters) {
    const auto known = statements_.find(std::string(sql));
    if (known != statements_.end()) return known->second;
    std::vector<Oid> types;
    for (const SqlParameter& parameter : parameters) {
      types.push_back(parameter.kind == SqlParameter::Kind::kInteger ? kBigintType
                      : parameter.kind == SqlParameter::Kind::kText  ? kTextType
                                                                     : kByteaType);
    }
    std::string name = name_prefix_;
    name.append(std::to_string(statements_.size()));
    check(PQprepare(handle_, name.c_str(), std::string(sql).c_str(), static_cast<int>(types.size()),
                    types.data()));
    return statements_.emplace(sql, name).first->second;
  }

  PGconn* handle_ = nullptr;
  std::string where_;
  bool has_vectors_ = false;
  // Poolers lend one session to several connections: names must not meet there.
  std::string name_prefix_ =
      fmt::format("onmal_{:x}_{:x}_", std::random_device()(), std::random_device()());
  std::unordered_map<std::string, std::string> statements_;
};

}  // namespace

std::unique_ptr<SqlDatabase> open_postgres(const std::string& connection,
                                           const std::string& schema) {
  return std::make_unique<PostgresDatabase>(connection, schema);
}

}  // namespace onmal
