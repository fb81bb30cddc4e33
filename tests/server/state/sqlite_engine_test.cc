// What the file promises: modes, damage, a second process, a full disk, kill -9.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "server/base/codec.h"
#include "server/state/config_store.h"
#include "tests/server/state/temp_directory.h"
#include "tests/support/is_ok.h"

namespace tidegate::state {
namespace {

RecordWrite Put(const std::string& name, const std::string& bytes) {
  RecordWrite write;
  write.kind = "api";
  write.name = name;
  write.bytes = bytes;
  write.etag = "e";
  return write;
}

Transaction One(const std::string& name, const std::string& bytes) {
  Transaction transaction;
  transaction.writes.push_back(Put(name, bytes));
  return transaction;
}

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST(SqliteEngine, NewStore_isForItsUserOnly) {
  TempDirectory directory;
  const std::string path = directory.path() + "/deep/state";
  auto store = OpenSqliteStore(SqliteOptions(path));
  ASSERT_TRUE(store.ok()) << MessageOf(store.status());
  ASSERT_TRUE(IsOk((*store)->Commit(One("a", "1"))));
  EXPECT_EQ(ModeOf(path), 0700U);
  EXPECT_EQ(ModeOf(path + "/config.db"), 0600U);
  EXPECT_EQ(ModeOf(path + "/config.db-wal"), 0600U);
  EXPECT_EQ((*store)->Describe(), "sqlite " + path + "/config.db");
}

TEST(SqliteEngine, Reopened_hasEverything) {
  TempDirectory directory;
  for (int round = 1; round <= 3; ++round) {
    auto store = OpenSqliteStore(SqliteOptions(directory.path()));
    ASSERT_TRUE(store.ok()) << MessageOf(store.status());
    EXPECT_EQ((*store)->Load()->revision, static_cast<std::uint64_t>(round - 1));
    ASSERT_TRUE(IsOk((*store)->Commit(One("a", std::to_string(round)))));
  }
  auto store = OpenSqliteStore(SqliteOptions(directory.path()));
  EXPECT_EQ((*store)->Load()->records.at(0).bytes, "3");
}

TEST(SqliteEngine, SecondOpener_isToldWhoHasIt) {
  TempDirectory directory;
  auto store = OpenSqliteStore(SqliteOptions(directory.path()));
  ASSERT_TRUE(IsOk(store));
  ASSERT_TRUE(IsOk((*store)->Commit(One("a", "1"))));
  // SQLite's locks are per process: only another one shows the refusal.
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = OpenSqliteStore(SqliteOptions(directory.path()));
    ::_exit(ReasonOf(second.status()) == "STATE_IN_USE" ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(SqliteEngine, ForeignFile_isLeftAsItIs) {
  TempDirectory directory;
  const std::string path = directory.path() + "/config.db";
  const std::string text(5000, 'x');
  std::ofstream(path) << text;
  const auto store = OpenSqliteStore(SqliteOptions(directory.path()));
  EXPECT_EQ(store.status().code(), StatusCode::kDataLoss) << MessageOf(store.status());
  EXPECT_EQ(ReasonOf(store.status()), "STATE_DAMAGED");
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
}

TEST(SqliteEngine, FlippedBit_isFoundAtLoad) {
  TempDirectory directory;
  const std::string path = directory.path() + "/config.db";
  {
    auto store = OpenSqliteStore(SqliteOptions(directory.path()));
    ASSERT_TRUE(IsOk((*store)->Commit(One("a", std::string(200, 'q')))));
  }
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::size_t at = bytes.find(std::string(200, 'q'));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 100] = 'r';
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  auto store = OpenSqliteStore(SqliteOptions(directory.path()));
  ASSERT_TRUE(store.ok()) << MessageOf(store.status());
  const auto contents = (*store)->Load();
  EXPECT_EQ(contents.status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(MessageOf(contents.status()).find("qqq"), std::string::npos);
}

TEST(SqliteEngine, FullDisk_refusesAndKeepsWhatIsThere) {
  TempDirectory directory;
  SqliteOptions options(directory.path());
  options.bytes_max = 40 * 4096;
  auto store = OpenSqliteStore(options);
  ASSERT_TRUE(store.ok()) << MessageOf(store.status());
  ASSERT_TRUE(IsOk((*store)->Commit(One("a", "small"))));
  Transaction big = One("a", std::string(400'000, 'x'));
  big.writes.push_back(Put("b", "2"));
  const auto refused = (*store)->Commit(big);
  EXPECT_EQ(refused.status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused.status()), "STATE_FULL");
  EXPECT_EQ((*store)->Load()->records.size(), 1U);
  EXPECT_EQ((*store)->Load()->records[0].bytes, "small");
  EXPECT_TRUE(IsOk((*store)->Commit(One("a", "still works"))));
}

TEST(SqliteEngine, MissingDirectoryThatCannotBeMade_isAnError) {
  TempDirectory directory;
  std::ofstream(directory.path() + "/file") << "x";
  const auto store = OpenSqliteStore(SqliteOptions(directory.path() + "/file/state"));
  EXPECT_EQ(store.status().code(), StatusCode::kUnavailable);
}

// Commits three records and a revision with one number, and tells each acknowledged number.
[[noreturn]] void CommitForEver(const std::string& directory, std::uint32_t from, int out) {
  auto store = OpenSqliteStore(SqliteOptions(directory));
  if (!store.ok()) ::_exit(3);
  for (std::uint32_t number = from;; ++number) {
    const std::string text = std::to_string(number);
    Transaction transaction;
    transaction.writes = {Put("a", text), Put("b", text + std::string(3000, 'p')), Put("c", text)};
    transaction.revisions = {{"a", number, text}};
    if (!(*store)->Commit(transaction).ok()) ::_exit(4);
    if (::write(out, &number, sizeof number) != sizeof number) ::_exit(5);
  }
}

TEST(SqliteEngine, KilledAtAnyInstant_everyAcknowledgedCommitIsThereAndWhole) {
  TempDirectory directory;
  std::uint32_t last = 0;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      CommitForEver(directory.path(), last + 1, ends[1]);
    }
    ::close(ends[1]);
    // The child is somewhere in its next commit when the signal comes.
    const std::uint64_t commits = 1 + RandomUint64() % 12;
    for (std::uint64_t i = 0; i < commits; ++i) {
      ASSERT_EQ(::read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    for (std::uint64_t spin = RandomUint64() % 200'000; spin > 0; --spin) {
      asm volatile("" : : : "memory");
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);

    auto store = OpenSqliteStore(SqliteOptions(directory.path()));
    ASSERT_TRUE(store.ok()) << MessageOf(store.status());
    const auto contents = (*store)->Load();
    ASSERT_TRUE(contents.ok()) << MessageOf(contents.status());
    ASSERT_EQ(contents->records.size(), 3U);
    const std::uint64_t stored = std::stoull(contents->records[0].bytes);
    EXPECT_GE(stored, last);
    EXPECT_LE(stored, last + 1U);
    EXPECT_EQ(contents->records[1].bytes, std::to_string(stored) + std::string(3000, 'p'));
    EXPECT_EQ(contents->records[2].bytes, std::to_string(stored));
    EXPECT_EQ(contents->last_revision.at("a"), stored);
    EXPECT_EQ(contents->revision, stored);
    last = static_cast<std::uint32_t>(stored);
  }
}

}  // namespace
}  // namespace tidegate::state
