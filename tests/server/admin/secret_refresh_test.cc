// Which files deployed APIs name, and what happens when these change.
#include <gmock/gmock.h>

#include "server/base/log.h"
#include "tests/server/admin/admin_fixture.h"

namespace tidegate::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SecretRefreshTest : public AdminTest {
 protected:
  SecretRefreshTest() { secrets_ = config::SecretResolver(config::SecretRules{{"/"}, {}}); }
  void TearDown() override { SetLogWriter(nullptr); }
  static std::string ApiWith(const std::string& name, const std::string& file) {
    return "{kind: Api, name: " + name + ", type: message, listeners: [{path: /" + name +
           "}], entrypoints: [sse], endpointGroups: [{name: default, endpoints: [{name: main, "
           "mock: {headers: [{name: X-A, secret: {file: " + file + "}}]}}]}], "
           "plans: [{name: open, keyless: {}}]}";
  }
};

TEST_F(SecretRefreshTest, FilesOfDeployedApis_areListedOnce) {
  EXPECT_THAT(deployer_->ReferencedFiles(), IsEmpty());
  Apply(ApiWith("one", "/etc/hostname") + "\n---\n" + ApiWith("two", "/etc/hostname") + "\n---\n" +
        ApiWith("three", "/etc/passwd"));
  EXPECT_THAT(deployer_->ReferencedFiles(), ElementsAre("/etc/hostname", "/etc/passwd"));
  v1::UndeployApiRequest undeploy;
  undeploy.set_name("apis/three");
  cfg::Api response;
  ASSERT_EQ(Verdict(Do(UndeployApi, undeploy, response)), "OK");
  EXPECT_THAT(deployer_->ReferencedFiles(), ElementsAre("/etc/hostname"));
}

std::string* log_lines = nullptr;

TEST_F(SecretRefreshTest, WhatCannotBeUsed_isLoggedAndNothingIsStored) {
  Apply(ApiWith("one", "/etc/hostname"));
  const std::string before = Everything();
  std::string lines;
  log_lines = &lines;
  SetLogWriter([](std::string_view line) { log_lines->append(line); });
  plane_.changed_by_refresh = 1;
  EXPECT_TRUE(deployer_->RefreshSecrets().ok());
  EXPECT_EQ(plane_.refreshed, 1);
  EXPECT_THAT(lines, HasSubstr("secrets.refreshed"));
  flow::AssembleProblem problem;
  problem.api = "one";
  problem.path = "endpointGroups[0].endpoints[0].kafka";
  problem.text = "wrong password";
  plane_.kept.push_back(problem);
  EXPECT_TRUE(deployer_->RefreshSecrets().ok());
  EXPECT_THAT(lines, HasSubstr("secrets.rejected"));
  EXPECT_THAT(lines, HasSubstr("wrong password"));
  EXPECT_EQ(Everything(), before);
}

TEST_F(SecretRefreshTest, AnApiThatWasLeftOut_isServedOnceItCanBe) {
  const state::TempDirectory directory;
  const auto open = [&] {
    auto store = state::OpenSqliteStore(state::SqliteOptions(directory.path()));
    ASSERT_TRUE(store.ok()) << MessageOf(store.status());
    UseStore(std::move(*store));
  };
  open();
  Apply(ApiWith("one", "/etc/hostname"));
  Apply(ApiWith("two", "/etc/passwd"));
  flow::AssembleProblem problem;
  problem.api = "one";
  problem.path = "endpointGroups[0].endpoints[0].mock";
  problem.text = "its secret is gone";
  plane_.problems.push_back(problem);
  deployer_.reset();
  repository_.reset();
  store_.reset();  // one process at a time
  open();
  EXPECT_EQ(plane_.Serving("one"), nullptr);
  EXPECT_NE(plane_.Serving("two"), nullptr);
  EXPECT_THAT(deployer_->ReferencedFiles(), ElementsAre("/etc/hostname", "/etc/passwd"));
  EXPECT_TRUE(deployer_->RefreshSecrets().ok());
  EXPECT_EQ(plane_.Serving("one"), nullptr);  // still gone
  plane_.problems.clear();
  EXPECT_TRUE(deployer_->RefreshSecrets().ok());
  EXPECT_NE(plane_.Serving("one"), nullptr);
  EXPECT_NE(plane_.Serving("two"), nullptr);
}

}  // namespace
}  // namespace tidegate::admin
