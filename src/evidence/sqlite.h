// SQLite as this folder needs it: a connection and a statement whose failures are Errors that people can act
// on. Private to evidence; nothing else sees SQLite.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay::sqlite {

// A blob parameter; the bytes must outlive the call that takes it.
struct Blob {
  std::string_view bytes;
};

// A reference to a row of another table: 0 stands for "none" in our structs and is NULL in the tables.
struct Reference {
  int64_t id;
};

class Statement;

class Connection {
 public:
  // `flags` are SQLITE_OPEN_…; `path` may be a file: URI if they say so. Untrusted files are expected:
  // extensions, schema functions and writes to the schema's own tables are off.
  static Result<Connection> open(const std::string& path, const std::string& uri, int flags);

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }

  Result<void> execute(const std::string& sql) const;  // any number of statements without parameters
  Result<Statement> prepare(const std::string& sql) const;
  Result<int64_t> integer(
      const std::string& sql) const;  // the first column of the first row; 0 without a row
  int64_t last_insert_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  int64_t changes() const { return sqlite3_changes64(handle_.get()); }

  // SQLite's last failure in words, with the path and what to do about it.
  Error last_error() const;

 private:
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Connection(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::unique_ptr<sqlite3, Closer> handle_;
};

// A prepared statement. Lives no longer than its connection.
class Statement {
 public:
  // Binds all parameters in order and runs the statement, which gives no rows. May be called again and again.
  template <class... Values>
  Result<void> run(const Values&... values) {
    RETURN_IF_ERROR(bind(values...));
    ASSIGN_OR_RETURN(const bool row, step());
    CHECK(!row);
    return {};
  }

  // Binds all parameters; rows then come from step().
  template <class... Values>
  Result<void> bind(const Values&... values) {
    sqlite3_reset(statement_.get());
    int index = 0;
    const bool ok = ((bind_one(++index, values) == SQLITE_OK) && ...);
    if (!ok) return std::unexpected(connection_->last_error());
    CHECK(index == sqlite3_bind_parameter_count(statement_.get()));
    return {};
  }
  Result<bool> step();  // true: there is a row

  bool is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
  int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  std::optional<double> optional_real(int column) const {
    return is_null(column) ? std::nullopt : std::optional(real(column));
  }
  std::string bytes(int column) const;  // of a text or a blob; "" for null

 private:
  friend class Connection;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement(const Connection& connection, sqlite3_stmt* statement)
      : connection_(&connection), statement_(statement) {}

  int bind_one(int index, int64_t value) { return sqlite3_bind_int64(statement_.get(), index, value); }
  int bind_one(int index, int value) { return bind_one(index, int64_t{value}); }
  int bind_one(int index, Reference reference) {
    return reference.id != 0 ? bind_one(index, reference.id) : sqlite3_bind_null(statement_.get(), index);
  }
  int bind_one(int index, double value) { return sqlite3_bind_double(statement_.get(), index, value); }
  int bind_one(int index, const std::optional<double>& value) {
    return value ? bind_one(index, *value) : sqlite3_bind_null(statement_.get(), index);
  }
  int bind_one(int index, std::string_view text);  // made valid UTF-8 first
  int bind_one(int index, const std::string& text) { return bind_one(index, std::string_view(text)); }
  int bind_one(int index, const std::optional<std::string>& text) {
    return text ? bind_one(index, *text) : sqlite3_bind_null(statement_.get(), index);
  }
  int bind_one(int index, const char* text) = delete;
  int bind_one(int index, Blob blob);

  const Connection* connection_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

// BEGIN IMMEDIATE or BEGIN when made, ROLLBACK when destroyed unless committed.
class Transaction {
 public:
  static Result<Transaction> write(const Connection& connection) {
    return begin(connection, "BEGIN IMMEDIATE");
  }
  static Result<Transaction> read(const Connection& connection) { return begin(connection, "BEGIN"); }
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<void> commit();

 private:
  explicit Transaction(const Connection& connection) : connection_(&connection) {}
  static Result<Transaction> begin(const Connection& connection, const std::string& sql);
  const Connection* connection_;
};

}  // namespace assay::sqlite
