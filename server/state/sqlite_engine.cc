// The default engine: one SQLite file in WAL mode, synced at every commit (synchronous=FULL).
//
// Every row carries a checksum of its own, for SQLite has none: a flipped bit is an error at start
// instead of a configuration that nobody wrote. The file is held by an exclusive lock, so that two
// processes never share a directory by mistake.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/state/config_store.h"
#include "server/state/sqlite_database.h"

namespace tidegate::state {
namespace {

constexpr std::uint64_t kApplicationId = 0x54674154;  // "TgAT", see the header of the file
constexpr std::uint64_t kSchemaVersion = 1;
constexpr std::uint64_t kPageBytes = 4096;

constexpr char kSchema[] = R"(
CREATE TABLE records(kind TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL,
  etag TEXT NOT NULL, revision INTEGER NOT NULL, bytes BLOB NOT NULL, checksum BLOB NOT NULL,
  PRIMARY KEY(kind, name)) WITHOUT ROWID;
CREATE TABLE revisions(api TEXT NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,
  checksum BLOB NOT NULL, PRIMARY KEY(api, number)) WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta(key, value) VALUES('revision', '0');
)";

constexpr char kRevisionKey[] = "revision";

void AppendPart(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}

std::string Checksum(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) AppendPart(text, part);
  const Sha256Digest digest = Sha256(text);
  return std::string(reinterpret_cast<const char*>(digest.data()), 8);
}

Status Damaged(const std::string& path, const std::string& what) {
  return WithReason(MakeStatus(StatusCode::kDataLoss,
                               "state: " + path + " is damaged (" + what +
                                   " does not fit its checksum); it was left as it is: restore "
                                   "it, or move it away to start empty"),
                    "STATE_DAMAGED");
}

// Rolls back unless told that all went well.
class Rollback {
 public:
  explicit Rollback(Database& database) : database_(&database) {}
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    if (database_ != nullptr) (void)database_->Execute("ROLLBACK");
  }
  void Done() { database_ = nullptr; }

 private:
  Database* database_;
};

class SqliteStore final : public ConfigStore {
 public:
  Status Open(const SqliteOptions& options);

  StatusOr<std::uint64_t> Commit(const Transaction& transaction) override;
  StatusOr<Contents> Load() override;
  StatusOr<std::vector<RevisionRecord>> Revisions(const std::string& api) override;
  StatusOr<RevisionRecord> Revision(const std::string& api, std::uint64_t number) override;
  std::string Describe() const override { return "sqlite " + path_; }

 private:
  Status PrepareSchema();
  Status CheckEtag(const RecordWrite& write);
  Status Write(const RecordWrite& write, std::uint64_t revision);
  Status WriteRevision(const RevisionRecord& added);
  Status SetMeta(const std::string& key, const std::string& value);
  Status DeleteRevisions(const std::string& api, std::optional<std::uint64_t> number);
  Status LoadRecords(Contents& contents);

  std::mutex mutex_;
  std::string path_;
  Database database_;
};

Status SqliteStore::Open(const SqliteOptions& options) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(options.directory, error)) {
    fs::create_directories(fs::path(options.directory).parent_path(), error);
    if (::mkdir(options.directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return Unavailable("state: cannot make directory " + options.directory + ": " +
                         std::strerror(errno));
    }
  }
  path_ = options.directory + "/config.db";
  TG_RETURN_IF_ERROR(database_.Open(path_));
  // Exclusive before the first read: another process is told apart from an idle file at once.
  TG_RETURN_IF_ERROR(database_.Execute("PRAGMA locking_mode=EXCLUSIVE"));
  TG_RETURN_IF_ERROR(database_.Execute("PRAGMA page_size=" + std::to_string(kPageBytes)));
  TG_RETURN_IF_ERROR(PrepareSchema());
  TG_RETURN_IF_ERROR(database_.Execute("PRAGMA synchronous=FULL"));
  TG_RETURN_IF_ERROR(database_.Execute("PRAGMA secure_delete=ON"));
  TG_RETURN_IF_ERROR(database_.Execute(
      "PRAGMA max_page_count=" + std::to_string(options.bytes_max / kPageBytes)));
  return OkStatus();
}

Status SqliteStore::PrepareSchema() {
  TG_ASSIGN_OR_RETURN(const std::uint64_t version, database_.QueryNumber("PRAGMA user_version"));
  TG_ASSIGN_OR_RETURN(const std::uint64_t id, database_.QueryNumber("PRAGMA application_id"));
  TG_ASSIGN_OR_RETURN(const std::uint64_t tables,
                      database_.QueryNumber("SELECT count(*) FROM sqlite_master"));
  const bool fresh = version == 0 && id == 0 && tables == 0;
  if (!fresh && id != kApplicationId) {
    return FailedPrecondition("state: " + path_ + " is not a store of Tidegate");
  }
  if (!fresh && version != kSchemaVersion) {
    return FailedPrecondition("state: " + path_ + " was written by version " +
                              std::to_string(version) + " of the store; this process knows " +
                              std::to_string(kSchemaVersion));
  }
  TG_RETURN_IF_ERROR(database_.Execute("PRAGMA journal_mode=WAL"));
  if (fresh) {
    TG_RETURN_IF_ERROR(database_.Execute("BEGIN IMMEDIATE"));
    Rollback rollback(database_);
    TG_RETURN_IF_ERROR(database_.Execute(kSchema));
    TG_RETURN_IF_ERROR(
        database_.Execute("PRAGMA application_id=" + std::to_string(kApplicationId)));
    TG_RETURN_IF_ERROR(
        database_.Execute("PRAGMA user_version=" + std::to_string(kSchemaVersion)));
    TG_RETURN_IF_ERROR(database_.Execute("COMMIT"));
    rollback.Done();
    return OkStatus();
  }
  TG_ASSIGN_OR_RETURN(Statement check, database_.Prepare("PRAGMA quick_check(1)"));
  TG_ASSIGN_OR_RETURN(const bool row, check.Step());
  if (!row || check.Text(0) != "ok") return Damaged(path_, "the file");
  return OkStatus();
}

Status SqliteStore::CheckEtag(const RecordWrite& write) {
  if (!write.expected_etag) return OkStatus();
  TG_ASSIGN_OR_RETURN(Statement query,
                      database_.Prepare("SELECT etag FROM records WHERE kind=? AND name=?"));
  query.Bind(1, write.kind).Bind(2, write.name);
  TG_ASSIGN_OR_RETURN(const bool row, query.Step());
  const std::string current = row ? query.Text(0) : "";
  if (current == *write.expected_etag) return OkStatus();
  return WithReason(Aborted("state: " + write.kind + " " + write.name + " has changed"),
                    "ETAG_MISMATCH");
}

Status SqliteStore::Write(const RecordWrite& write, std::uint64_t revision) {
  if (!write.bytes) {
    TG_ASSIGN_OR_RETURN(Statement gone,
                        database_.Prepare("DELETE FROM records WHERE kind=? AND name=?"));
    return Database::Run(gone.Bind(1, write.kind).Bind(2, write.name));
  }
  TG_ASSIGN_OR_RETURN(
      Statement put,
      database_.Prepare("INSERT OR REPLACE INTO records(kind, name, owner, etag, revision, bytes, "
                        "checksum) VALUES(?,?,?,?,?,?,?)"));
  put.Bind(1, write.kind).Bind(2, write.name).Bind(3, write.owner).Bind(4, write.etag);
  put.Bind(5, revision).BindBlob(6, *write.bytes);
  put.BindBlob(7, Checksum({write.kind, write.name, write.owner, write.etag,
                            std::to_string(revision), *write.bytes}));
  return Database::Run(put);
}

Status SqliteStore::WriteRevision(const RevisionRecord& added) {
  TG_ASSIGN_OR_RETURN(
      Statement put,
      database_.Prepare(
          "INSERT OR REPLACE INTO revisions(api, number, bytes, checksum) VALUES(?,?,?,?)"));
  put.Bind(1, added.api).Bind(2, added.number).BindBlob(3, added.bytes);
  put.BindBlob(4, Checksum({added.api, std::to_string(added.number), added.bytes}));
  TG_RETURN_IF_ERROR(Database::Run(put));
  TG_ASSIGN_OR_RETURN(
      Statement trim,
      database_.Prepare("DELETE FROM revisions WHERE api=?1 AND number NOT IN (SELECT number FROM "
                        "revisions WHERE api=?1 ORDER BY number DESC LIMIT ?2)"));
  return Database::Run(trim.Bind(1, added.api).Bind(2, std::uint64_t{kRevisionsPerApi}));
}

Status SqliteStore::DeleteRevisions(const std::string& api,
                                    std::optional<std::uint64_t> number) {
  const std::string sql = "DELETE FROM revisions WHERE api=?";
  TG_ASSIGN_OR_RETURN(Statement gone, database_.Prepare(number ? sql + " AND number=?" : sql));
  gone.Bind(1, api);
  if (number) gone.Bind(2, *number);
  return Database::Run(gone);
}

Status SqliteStore::SetMeta(const std::string& key, const std::string& value) {
  TG_ASSIGN_OR_RETURN(Statement put,
                      database_.Prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?,?)"));
  return Database::Run(put.Bind(1, key).Bind(2, value));
}

StatusOr<std::uint64_t> SqliteStore::Commit(const Transaction& transaction) {
  const std::lock_guard lock(mutex_);
  TG_RETURN_IF_ERROR(database_.Execute("BEGIN IMMEDIATE"));
  Rollback rollback(database_);
  TG_ASSIGN_OR_RETURN(
      const std::uint64_t before,
      database_.QueryNumber("SELECT CAST(value AS INTEGER) FROM meta WHERE key='revision'"));
  const std::uint64_t revision = before + 1;
  for (const RecordWrite& write : transaction.writes) TG_RETURN_IF_ERROR(CheckEtag(write));
  for (const RecordWrite& write : transaction.writes) TG_RETURN_IF_ERROR(Write(write, revision));
  for (const std::string& api : transaction.forget_api) {
    TG_RETURN_IF_ERROR(DeleteRevisions(api, std::nullopt));
  }
  for (const RevisionRecord& gone : transaction.forget) {
    TG_RETURN_IF_ERROR(DeleteRevisions(gone.api, gone.number));
  }
  for (const RevisionRecord& added : transaction.revisions) {
    TG_RETURN_IF_ERROR(WriteRevision(added));
  }
  for (const auto& [key, value] : transaction.meta) TG_RETURN_IF_ERROR(SetMeta(key, value));
  TG_RETURN_IF_ERROR(SetMeta(kRevisionKey, std::to_string(revision)));
  TG_RETURN_IF_ERROR(database_.Execute("COMMIT"));
  rollback.Done();
  return revision;
}

Status SqliteStore::LoadRecords(Contents& contents) {
  TG_ASSIGN_OR_RETURN(
      Statement query,
      database_.Prepare("SELECT kind, name, owner, etag, revision, bytes, checksum FROM records "
                        "ORDER BY kind, name"));
  while (true) {
    TG_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return OkStatus();
    Record record{query.Text(0), query.Text(1), query.Text(5),
                  query.Text(2), query.Text(3), query.Number(4)};
    const std::string expected =
        Checksum({record.kind, record.name, record.owner, record.etag,
                  std::to_string(record.revision), record.bytes});
    if (query.Text(6) != expected) return Damaged(path_, record.kind + " " + record.name);
    contents.records.push_back(std::move(record));
  }
}

StatusOr<Contents> SqliteStore::Load() {
  const std::lock_guard lock(mutex_);
  Contents contents;
  TG_RETURN_IF_ERROR(LoadRecords(contents));
  TG_ASSIGN_OR_RETURN(Statement revisions,
                      database_.Prepare("SELECT api, max(number) FROM revisions GROUP BY api"));
  while (true) {
    TG_ASSIGN_OR_RETURN(const bool row, revisions.Step());
    if (!row) break;
    contents.last_revision[revisions.Text(0)] = revisions.Number(1);
  }
  TG_ASSIGN_OR_RETURN(Statement meta, database_.Prepare("SELECT key, value FROM meta"));
  while (true) {
    TG_ASSIGN_OR_RETURN(const bool row, meta.Step());
    if (!row) break;
    if (meta.Text(0) == kRevisionKey) {
      contents.revision = ParseUint(meta.Text(1)).value_or(0);
    } else {
      contents.meta[meta.Text(0)] = meta.Text(1);
    }
  }
  return contents;
}

StatusOr<std::vector<RevisionRecord>> SqliteStore::Revisions(const std::string& api) {
  const std::lock_guard lock(mutex_);
  TG_ASSIGN_OR_RETURN(
      Statement query,
      database_.Prepare(
          "SELECT number, bytes, checksum FROM revisions WHERE api=? ORDER BY number DESC"));
  query.Bind(1, api);
  std::vector<RevisionRecord> result;
  while (true) {
    TG_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return result;
    RevisionRecord record{api, query.Number(0), query.Text(1)};
    const std::string number = std::to_string(record.number);
    if (query.Text(2) != Checksum({api, number, record.bytes})) {
      return Damaged(path_, "revision " + number + " of " + api);
    }
    result.push_back(std::move(record));
  }
}

StatusOr<RevisionRecord> SqliteStore::Revision(const std::string& api, std::uint64_t number) {
  TG_ASSIGN_OR_RETURN(std::vector<RevisionRecord> all, Revisions(api));
  for (RevisionRecord& record : all) {
    if (record.number == number) return std::move(record);
  }
  return NotFound("state: no revision " + std::to_string(number) + " of " + api);
}

}  // namespace

StatusOr<std::unique_ptr<ConfigStore>> OpenSqliteStore(const SqliteOptions& options) {
  auto store = std::make_unique<SqliteStore>();
  TG_RETURN_IF_ERROR(store->Open(options));
  return std::unique_ptr<ConfigStore>(std::move(store));
}

}  // namespace tidegate::state
