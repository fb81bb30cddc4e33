// A thin owner of one SQLite connection and its statements: errors as values, files of mode 0600.
// Thread: one at a time (the engine locks). Owner: SqliteStore. Fails: see config_store.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tidegate::state {

class Statement {
 public:
  Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& Bind(int index, std::string_view text);
  Statement& BindBlob(int index, std::string_view bytes);
  Statement& Bind(int index, std::uint64_t number);

  // True: a row is there. False: the end.
  StatusOr<bool> Step();
  std::string Text(int column) const;
  std::uint64_t Number(int column) const;

 private:
  friend class Database;
  sqlite3_stmt* statement_ = nullptr;
  std::string path_;
};

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  // Makes the file with mode 0600 if it is missing.
  Status Open(const std::string& path);
  Status Execute(const std::string& sql);
  StatusOr<Statement> Prepare(const std::string& sql);
  // Runs a statement that returns no rows.
  static Status Run(Statement& statement);
  StatusOr<std::uint64_t> QueryNumber(const std::string& sql);

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

}  // namespace tidegate::state
