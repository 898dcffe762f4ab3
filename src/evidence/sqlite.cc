// The connection and its failures in words; see sqlite.h.
#include "evidence/sqlite.h"

#include <fmt/format.h>

#include <cerrno>

namespace assay::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

struct Explanation {
  int code;
  const char* what;
  const char* remedy;
};

constexpr Explanation kExplanations[] = {
    {SQLITE_FULL, "the disk is full", "Free some space, then go on with `assay run --resume`."},
    {SQLITE_IOERR, "reading or writing failed",
     "Check the disk and its file system, then go on with `assay run --resume`."},
    {SQLITE_CANTOPEN, "cannot be opened", "Check the path and the permissions of the file and its folder."},
    {SQLITE_PERM, "may not be opened", "Check the permissions of the file and its folder."},
    {SQLITE_READONLY, "may not be written to", "Check the permissions of the file and its folder."},
    {SQLITE_BUSY, "is being written to by another program",
     "Wait until the other run has ended, then try again."},
    {SQLITE_NOTADB, "is not a dossier", "Name a dossier that assay has written."},
    {SQLITE_CORRUPT, "the dossier is damaged",
     "Take a copy from before the damage; what is left can be looked at with sqlite3's .recover."},
    {SQLITE_TOOBIG, "a single value is too large for a dossier", ""},
};

const Explanation* explanation_of(int code) {
  for (const Explanation& explanation : kExplanations) {
    if (explanation.code == code) return &explanation;
  }
  return nullptr;
}

}  // namespace

Result<Connection> Connection::open(const std::string& path, const std::string& uri, int flags) {
  Connection connection(path);
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(uri.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  connection.handle_.reset(handle);
  CHECK(handle != nullptr);  // null only when memory is out
  if (code != SQLITE_OK) return std::unexpected(connection.last_error());
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return connection;
}

Error Connection::last_error() const {
  int code = sqlite3_errcode(handle());
  const int system = sqlite3_system_errno(handle());
  if ((code & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT)) code = SQLITE_FULL;
  const Explanation* explanation = explanation_of(code & 0xff);
  if (explanation == nullptr)
    return Error{fmt::format("SQLite failed: {}", sqlite3_errmsg(handle())), path_, ""};
  return Error{fmt::format("{} (SQLite: {}, code {})", explanation->what, sqlite3_errmsg(handle()), code),
               path_, explanation->remedy};
}

Result<void> Connection::execute(const std::string& sql) const {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(last_error());
  return {};
}

Result<Statement> Connection::prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle(), sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr) !=
      SQLITE_OK) {
    return std::unexpected(last_error());
  }
  return Statement(*this, statement);
}

Result<int64_t> Connection::integer(const std::string& sql) const {
  ASSIGN_OR_RETURN(Statement statement, prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Error error = connection_->last_error();
  sqlite3_reset(statement_.get());
  return std::unexpected(std::move(error));
}

std::string Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

int Statement::bind_one(int index, std::string_view text) {
  if (is_valid_utf8(text)) {
    return sqlite3_bind_text64(statement_.get(), index, text.data() != nullptr ? text.data() : "",
                               text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  const std::string valid = valid_utf8(text);
  return sqlite3_bind_text64(statement_.get(), index, valid.data(), valid.size(), SQLITE_TRANSIENT,
                             SQLITE_UTF8);
}

int Statement::bind_one(int index, Blob blob) {
  return sqlite3_bind_blob64(statement_.get(), index, blob.bytes.data() != nullptr ? blob.bytes.data() : "",
                             blob.bytes.size(), SQLITE_STATIC);
}

Result<Transaction> Transaction::begin(const Connection& connection, const std::string& sql) {
  RETURN_IF_ERROR(connection.execute(sql));
  return Transaction(connection);
}

Transaction::~Transaction() {
  // After some failures SQLite has rolled back by itself.
  if (connection_ == nullptr || sqlite3_get_autocommit(connection_->handle())) return;
  sqlite3_exec(connection_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
  RETURN_IF_ERROR(connection_->execute("COMMIT"));
  connection_ = nullptr;
  return {};
}

}  // namespace assay::sqlite
