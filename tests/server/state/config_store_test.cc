// What both engines promise.
#include "server/state/config_store.h"

#include <gtest/gtest.h>

#include "tests/server/state/temp_directory.h"
#include "tests/support/is_ok.h"

namespace tidegate::state {
namespace {

class ConfigStoreTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      auto opened = OpenSqliteStore(SqliteOptions(directory_.path() + "/state"));
      ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
      store_ = std::move(*opened);
    } else {
      store_ = MakeMemoryStore();
    }
  }

  static RecordWrite Put(const std::string& name, const std::string& bytes,
                         const std::string& etag) {
    RecordWrite write;
    write.kind = "api";
    write.name = name;
    write.bytes = bytes;
    write.owner = "admin";
    write.etag = etag;
    return write;
  }

  TempDirectory directory_;
  std::unique_ptr<ConfigStore> store_;
};

TEST_P(ConfigStoreTest, CommitThenLoad_returnsRecordsAndRevision) {
  Transaction transaction;
  transaction.writes = {Put("b", std::string("\0x\xff", 3), "e1"), Put("a", "", "e2")};
  transaction.meta = {{"colour", "blue"}};
  const auto revision = store_->Commit(transaction);
  ASSERT_TRUE(revision.ok()) << MessageOf(revision.status());
  const auto contents = store_->Load();
  ASSERT_TRUE(contents.ok()) << MessageOf(contents.status());
  ASSERT_EQ(contents->records.size(), 2U);
  EXPECT_EQ(contents->records[0].name, "a");
  EXPECT_EQ(contents->records[1].bytes, std::string("\0x\xff", 3));
  EXPECT_EQ(contents->records[1].owner, "admin");
  EXPECT_EQ(contents->records[1].etag, "e1");
  EXPECT_EQ(contents->records[1].revision, *revision);
  EXPECT_EQ(contents->revision, *revision);
  EXPECT_EQ(contents->meta.at("colour"), "blue");
}

TEST_P(ConfigStoreTest, CommitWithOneWrongEtag_changesNothing) {
  Transaction first;
  first.writes = {Put("a", "1", "e1")};
  ASSERT_TRUE(IsOk(store_->Commit(first)));
  Transaction second;
  second.writes = {Put("b", "2", "e2"), Put("a", "2", "e2")};
  second.writes[1].expected_etag = "other";
  const auto refused = store_->Commit(second);
  EXPECT_EQ(refused.status().code(), StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(refused.status()), "ETAG_MISMATCH");
  const auto contents = store_->Load();
  ASSERT_EQ(contents->records.size(), 1U);
  EXPECT_EQ(contents->records[0].bytes, "1");
  EXPECT_EQ(contents->revision, 1U);
}

TEST_P(ConfigStoreTest, ExpectedAbsence_isKept) {
  Transaction transaction;
  transaction.writes = {Put("a", "1", "e1")};
  transaction.writes[0].expected_etag = "";
  EXPECT_TRUE(IsOk(store_->Commit(transaction)));
  EXPECT_EQ(store_->Commit(transaction).status().code(), StatusCode::kAborted);
  transaction.writes[0].expected_etag = "e1";
  EXPECT_TRUE(IsOk(store_->Commit(transaction)));
}

TEST_P(ConfigStoreTest, Delete_removesRecordAndRevisions) {
  Transaction transaction;
  transaction.writes = {Put("a", "1", "e1")};
  transaction.revisions = {{"a", 1, "r1"}};
  ASSERT_TRUE(IsOk(store_->Commit(transaction)));
  Transaction gone;
  gone.writes = {Put("a", "", "")};
  gone.writes[0].bytes = std::nullopt;
  gone.forget_api = {"a"};
  ASSERT_TRUE(IsOk(store_->Commit(gone)));
  const auto contents = store_->Load();
  EXPECT_TRUE(contents->records.empty());
  EXPECT_TRUE(contents->last_revision.empty());
  EXPECT_TRUE(store_->Revisions("a")->empty());
}

TEST_P(ConfigStoreTest, Revisions_areBoundedAndNewestFirst) {
  for (std::uint64_t number = 1; number <= kRevisionsPerApi + 5; ++number) {
    Transaction transaction;
    transaction.revisions = {{"a", number, "r" + std::to_string(number)}};
    ASSERT_TRUE(IsOk(store_->Commit(transaction)));
  }
  const auto all = store_->Revisions("a");
  ASSERT_EQ(all->size(), kRevisionsPerApi);
  EXPECT_EQ(all->front().number, kRevisionsPerApi + 5);
  EXPECT_EQ(all->back().number, 6U);
  EXPECT_EQ(store_->Revision("a", 6)->bytes, "r6");
  EXPECT_EQ(store_->Revision("a", 5).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->Load()->last_revision.at("a"), kRevisionsPerApi + 5);
  Transaction back;
  back.forget = {{"a", kRevisionsPerApi + 5, ""}};
  ASSERT_TRUE(IsOk(store_->Commit(back)));
  EXPECT_EQ(store_->Load()->last_revision.at("a"), kRevisionsPerApi + 4);
}

INSTANTIATE_TEST_SUITE_P(Engines, ConfigStoreTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "sqlite" : "memory"; });

}  // namespace
}  // namespace tidegate::state
