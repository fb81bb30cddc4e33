// Where accepted configuration is kept: named records, the revisions of APIs and a few values,
// changed together or not at all.
//
// The store knows nothing of what the bytes mean; server/admin does. A commit that returned OK
// survives kill -9 at any instant; one that failed has changed nothing.
// Thread: any (engines lock). Commit may sync to disk: never call it on a worker.
// Owner: sidecar makes one engine for the process.
// Fails: Aborted (reason ETAG_MISMATCH) when an expected etag does not fit; ResourceExhausted when
// the disk is full; DataLoss when what is stored is damaged; Unavailable otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"

namespace tidegate::state {

// How many revisions of one API are kept: enough to go back, few enough to stay small.
inline constexpr std::size_t kRevisionsPerApi = 50;

struct Record {
  std::string kind;   // "api", "application", …
  std::string name;   // unique within its kind
  std::string bytes;
  std::string owner;
  std::string etag;
  std::uint64_t revision = 0;  // of the store, when it was last written
};

struct RecordWrite {
  std::string kind;
  std::string name;
  std::optional<std::string> bytes;  // nullopt deletes
  std::string owner;
  std::string etag;
  // The etag that must be there now; "" means that there must be no record. nullopt: any.
  std::optional<std::string> expected_etag;
};

struct RevisionRecord {
  std::string api;
  std::uint64_t number = 0;
  std::string bytes;
};

struct Transaction {
  std::vector<RecordWrite> writes;
  std::vector<RevisionRecord> revisions;  // added; the oldest beyond kRevisionsPerApi go
  std::vector<RevisionRecord> forget;     // revisions that are taken back (bytes unused)
  std::vector<std::string> forget_api;    // all revisions of these go, before `revisions` come
  std::vector<std::pair<std::string, std::string>> meta;  // values that are set
};

struct Contents {
  std::vector<Record> records;                         // by kind, then name
  std::map<std::string, std::uint64_t> last_revision;  // number of the newest revision of each API
  std::map<std::string, std::string> meta;
  std::uint64_t revision = 0;                          // of the store: grows with each commit
};

class ConfigStore {
 public:
  virtual ~ConfigStore() = default;

  // All or nothing; returns the store's new revision.
  virtual StatusOr<std::uint64_t> Commit(const Transaction& transaction) = 0;
  virtual StatusOr<Contents> Load() = 0;
  // The revisions of one API, the newest first.
  virtual StatusOr<std::vector<RevisionRecord>> Revisions(const std::string& api) = 0;
  virtual StatusOr<RevisionRecord> Revision(const std::string& api, std::uint64_t number) = 0;
  // What `tidegate` prints about it: "sqlite /var/lib/tidegate/config.db", "memory".
  virtual std::string Describe() const = 0;
};

struct SqliteOptions {
  SqliteOptions() = default;
  explicit SqliteOptions(std::string directory_) : directory(std::move(directory_)) {}
  std::string directory;                             // made with mode 0700 if it is missing
  std::uint64_t bytes_max = 2ULL * 1024 * 1024 * 1024;  // of the database; beyond it: full
};

// Opens or makes `directory`/config.db (mode 0600). A damaged file, a file of a newer version, or
// one that another process uses is an error; nothing is ever overwritten.
StatusOr<std::unique_ptr<ConfigStore>> OpenSqliteStore(const SqliteOptions& options);

// Counts and times what `store` does, as tidegate_state_…{backend}.
std::unique_ptr<ConfigStore> MakeMeteredStore(std::unique_ptr<ConfigStore> store,
                                              const std::string& backend);

// For `--state none`: gone with the process.
std::unique_ptr<ConfigStore> MakeMemoryStore();

}  // namespace tidegate::state
