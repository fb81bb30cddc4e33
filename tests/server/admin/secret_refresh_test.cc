// Which files deployed APIs name, and what happens when these change.
#include <gmock/gmock.h>

#include "server/base/log.h"
#include "tests/server/admin/admin_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SecretRefreshTest : public AdminTest {
 protected:
  SecretRefreshTest() { secrets_ = config::SecretResolver(config::SecretRules{{"/"}, {}}); }
  void TearDown() override { SetLogWriter(nullptr); }
  // Status, reason and message of the condition.
  std::string ResolvedRefs(const std::string& api) {
    const cfg::Api shown = Get("apis/" + api);
    for (const cfg::Condition& condition : shown.conditions()) {
      if (condition.type() != "ResolvedRefs") continue;
      const bool holds = condition.status() == cfg::CONDITION_STATUS_TRUE;
      return (holds ? "true " : "false ") + condition.reason() + " " + condition.message();
    }
    return "none";
  }
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
  EXPECT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_EQ(plane_.refreshed, 1);
  EXPECT_THAT(lines, HasSubstr("secrets.refreshed"));
  flow::AssembleProblem problem;
  problem.api = "one";
  problem.path = "endpointGroups[0].endpoints[0].kafka";
  problem.text = "wrong password";
  plane_.kept.push_back(problem);
  EXPECT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_THAT(lines, HasSubstr("secrets.rejected"));
  EXPECT_THAT(lines, HasSubstr("wrong password"));
  EXPECT_EQ(Everything(), before);
}

TEST_F(SecretRefreshTest, WhatCannotBeUsed_isAConditionUntilItCan) {
  Apply(ApiWith("one", "/etc/hostname"));
  Apply(ApiWith("two", "/etc/hostname"));
  EXPECT_EQ(ResolvedRefs("one"), "true Resolved ");
  flow::AssembleProblem problem;
  problem.api = "one";
  problem.path = "endpointGroups[0].endpoints[0].mock";
  problem.text = "is empty";
  plane_.kept.push_back(problem);
  ASSERT_TRUE(IsOk(deployer_->RefreshSecrets()));
  const std::string refused =
      "false SecretRejected endpointGroups[0].endpoints[0].mock: is empty; what was there before "
      "goes on";
  EXPECT_EQ(ResolvedRefs("one"), refused);
  EXPECT_EQ(ResolvedRefs("two"), "true Resolved ");
  // Still wrong at the next look: since the first one.
  const auto since = deployer_->RefsOf("apis/one").since;
  now_ += std::chrono::minutes(5);
  ASSERT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_EQ(deployer_->RefsOf("apis/one").since, since);
  plane_.kept.clear();
  now_ += std::chrono::minutes(5);
  ASSERT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_EQ(ResolvedRefs("one"), "true Resolved ");
  EXPECT_EQ(deployer_->RefsOf("apis/one").since, now_);
}

TEST_F(SecretRefreshTest, ANewDeployment_clearsTheCondition) {
  Apply(ApiWith("one", "/etc/hostname"));
  flow::AssembleProblem problem;
  problem.api = "one";
  problem.path = "endpointGroups[0].endpoints[0].mock";
  problem.text = "is empty";
  plane_.kept.push_back(problem);
  ASSERT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_THAT(ResolvedRefs("one"), HasSubstr("SecretRejected"));
  Apply(ApiWith("one", "/etc/passwd"));
  EXPECT_EQ(ResolvedRefs("one"), "true Resolved ");
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
  EXPECT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_EQ(plane_.Serving("one"), nullptr);  // still gone
  plane_.problems.clear();
  EXPECT_TRUE(IsOk(deployer_->RefreshSecrets()));
  EXPECT_NE(plane_.Serving("one"), nullptr);
  EXPECT_NE(plane_.Serving("two"), nullptr);
}

}  // namespace
}  // namespace tidegate::admin
