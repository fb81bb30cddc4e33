#include "server/state/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tidegate::state {
namespace {

Status FromSqlite(sqlite3* handle, int code, const std::string& path) {
  const std::string cause =
      handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
    return WithReason(
        MakeStatus(StatusCode::kDataLoss,
                   "state: " + path + " is damaged (" + cause +
                       "); it was left as it is: restore it, or move it away to start empty"),
        "STATE_DAMAGED");
  }
  if (primary == SQLITE_FULL) {
    return WithReason(ResourceExhausted("state: cannot write " + path + ": " + cause),
                      "STATE_FULL");
  }
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    return WithReason(Unavailable("state: " + path + " is used by another process"),
                      "STATE_IN_USE");
  }
  return WithReason(Unavailable("state: " + path + ": " + cause), "STATE_BACKEND_DOWN");
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), path_(std::move(other.path_)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(path_, other.path_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

// A failed bind leaves NULL, which every column but none of ours refuses: Step reports it.
Statement& Statement::Bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_, index, text.data() != nullptr ? text.data() : "", text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_, index, bytes.data() != nullptr ? bytes.data() : "",
                      bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::Bind(int index, std::uint64_t number) {
  sqlite3_bind_int64(statement_, index, static_cast<sqlite3_int64>(number));
  return *this;
}

StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return FromSqlite(sqlite3_db_handle(statement_), code, path_);
}

std::string Statement::Text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr || size <= 0) return {};
  return std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

std::uint64_t Statement::Number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

Database::~Database() { sqlite3_close_v2(handle_); }

Status Database::Open(const std::string& path) {
  path_ = path;
  // Made by us first: SQLite would use the umask, and gives its side files the mode of this one.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return Unavailable("state: cannot open " + path + ": " + std::strerror(errno));
  }
  const bool narrowed = ::fchmod(fd, 0600) == 0;
  const std::string cause = narrowed ? "" : std::strerror(errno);
  ::close(fd);
  if (!narrowed) return Unavailable("state: cannot set the mode of " + path + ": " + cause);
  const int code = sqlite3_open_v2(path.c_str(), &handle_,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr);
  if (code != SQLITE_OK) return FromSqlite(handle_, code, path_);
  sqlite3_busy_timeout(handle_, 0);
  return OkStatus();
}

Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? OkStatus() : FromSqlite(handle_, code, path_);
}

StatusOr<Statement> Database::Prepare(const std::string& sql) {
  Statement result;
  result.path_ = path_;
  const int code = sqlite3_prepare_v2(handle_, sql.c_str(), static_cast<int>(sql.size()),
                                      &result.statement_, nullptr);
  if (code != SQLITE_OK) return FromSqlite(handle_, code, path_);
  return result;
}

Status Database::Run(Statement& statement) { return statement.Step().status(); }

StatusOr<std::uint64_t> Database::QueryNumber(const std::string& sql) {
  TG_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  TG_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Number(0) : std::uint64_t{0};
}

}  // namespace tidegate::state
