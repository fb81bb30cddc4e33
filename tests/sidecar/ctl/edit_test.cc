// edit, add, set, rm: read, changed, written back under the etag, deployed if it was.
#include <filesystem>

#include "tests/sidecar/ctl/fixture.h"
#include "tidegate/admin/v1/api_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kApi = R"(
  name: "apis/clock" type: API_TYPE_MESSAGE listeners { path: "/clock" } entrypoints { sse {} }
  endpoint_groups {
    name: "default"
    endpoints { name: "a" weight: 2 secondary: true mock { message_content: "tick" } }
    endpoints { name: "b" mock {} }
  }
  plans { name: "apis/clock/plans/open" keyless {} }
  state: API_STATE_LIVE etag: "\"e1\"")";

class EditTest : public CtlTest {
 protected:
  EditTest() {
    server_.Answer("ApiService/GetApi", Text<v1::Api>(kApi));
    server_.Answer("ApiService/UpdateApi", Text<v1::Api>("etag: '\"e2\"'"));
    server_.Answer("ApiService/DeployApi", Text<v1::ApiRevision>("name: 'apis/clock/revisions/2'"));
    env_["TMPDIR"] = server_.directory();
  }
  admin::UpdateApiRequest Update() {
    return server_.Last<admin::UpdateApiRequest>("ApiService/UpdateApi");
  }
  // The file that was kept after a refusal.
  std::string Kept() {
    for (const auto& entry : std::filesystem::directory_iterator(server_.directory())) {
      if (entry.path().filename().string().rfind("tidegatectl-", 0) == 0) return entry.path();
    }
    return "";
  }
};

TEST_F(EditTest, Edit_StoresUnderTheEtagAndDeploys) {
  env_["EDITOR"] = "sed -i s/tick/tock/";
  EXPECT_EQ(RunAt({"edit", "api/clock"}), kDone) << err();
  EXPECT_EQ(out(), "api/clock deployed (revision 2)\n");
  EXPECT_EQ(Update().api().etag(), "\"e1\"");
  EXPECT_EQ(Update().update_mask().paths(0), "*");
  EXPECT_EQ(Update().api().endpoint_groups(0).endpoints(0).mock().message_content(), "tock");
  EXPECT_EQ(server_.Last<admin::DeployApiRequest>("ApiService/DeployApi").etag(), "\"e2\"");
  EXPECT_EQ(Kept(), "");
}

TEST_F(EditTest, EditThatChangesNothing_SendsNothing) {
  env_["EDITOR"] = "true";
  EXPECT_EQ(RunAt({"edit", "api/clock"}), kDone);
  EXPECT_EQ(err(), "api/clock unchanged\n");
  EXPECT_EQ(server_.calls().size(), 1u);
  EXPECT_EQ(Kept(), "");
}

TEST_F(EditTest, EditThatIsRefused_KeepsTheFile) {
  env_["EDITOR"] = "sed -i s/sse/sze/";
  EXPECT_EQ(RunAt({"edit", "api/clock"}), kRefused);
  ASSERT_NE(Kept(), "");
  EXPECT_THAT(err(), HasSubstr(Kept() + ":"));
  EXPECT_THAT(err(), HasSubstr("your edit is kept in " + Kept()));
  EXPECT_THAT(err(), HasSubstr("tidegatectl apply -f " + Kept()));
}

TEST_F(EditTest, EditAgainstAnotherEtag_IsAConflictAndKeepsTheFile) {
  server_.Fail("ApiService/UpdateApi", {10, "it has changed", "ETAG_MISMATCH"});
  env_["EDITOR"] = "sed -i s/tick/tock/";
  EXPECT_EQ(RunAt({"edit", "api/clock"}), kConflict);
  EXPECT_NE(Kept(), "");
}

TEST_F(EditTest, EditorThatFails_IsNamed) {
  env_["VISUAL"] = "false";
  EXPECT_EQ(RunAt({"edit", "api/clock"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("the editor failed (false); name another in EDITOR"));
  EXPECT_EQ(Kept(), "");
}

TEST_F(EditTest, EditedName_IsRefused) {
  env_["EDITOR"] = "sed -i s/name:.clock/name:\\ other/";
  EXPECT_EQ(RunAt({"edit", "api/clock"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("the file must hold api/clock and nothing else"));
}

TEST_F(EditTest, Set_ChangesOnlyWhatIsNamed) {
  EXPECT_EQ(RunAt({"set", "endpoint/clock/default/a", "weight=5", "secondary=false",
                   "mock.messageInterval=10ms"}), kDone) << err();
  EXPECT_EQ(out(), "api/clock deployed (revision 2)\n");
  const v1::Endpoint endpoint = Update().api().endpoint_groups(0).endpoints(0);
  EXPECT_EQ(endpoint.weight(), 5);
  EXPECT_FALSE(endpoint.secondary());
  EXPECT_EQ(endpoint.mock().message_content(), "tick");
  EXPECT_EQ(endpoint.mock().message_interval().nanos(), 10'000'000);
  EXPECT_EQ(Update().api().etag(), "\"e1\"");
}

TEST_F(EditTest, SetToNothing_TakesTheFieldAway) {
  EXPECT_EQ(RunAt({"set", "endpoint/clock/a", "mock.messageContent=", "--no-deploy"}), kDone);
  EXPECT_FALSE(Update().api().endpoint_groups(0).endpoints(0).mock().has_message_content());
  EXPECT_EQ(out(), "api/clock stored (not deployed)\n");
}

TEST_F(EditTest, SetOfWhatIsNoField_SaysWhichIsMeant) {
  EXPECT_EQ(RunAt({"set", "endpoint/clock/a", "wight=5"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("weight"));
  EXPECT_EQ(RunAt({"set", "endpoint/clock/a", "weight"}), kUsage);
  EXPECT_EQ(RunAt({"set", "endpoint/clock/a"}), kUsage);
  EXPECT_EQ(RunAt({"set", "endpoint/clock/zzz", "weight=1"}), kNotFound);
  EXPECT_EQ(RunAt({"set", "endpoint/clock/nope/a", "weight=1"}), kNotFound);
}

TEST_F(EditTest, Add_TakesFieldsOrAFile) {
  const std::string file = Write("c.yaml", "mock: {messageContent: hi}\nweight: 3\n");
  EXPECT_EQ(RunAt({"add", "endpoint/clock/default/c", "-f", file, "weight=4"}), kDone) << err();
  const v1::EndpointGroup group = Update().api().endpoint_groups(0);
  ASSERT_EQ(group.endpoints_size(), 3);
  EXPECT_EQ(group.endpoints(2).name(), "c");
  EXPECT_EQ(group.endpoints(2).weight(), 4);
  EXPECT_EQ(group.endpoints(2).mock().message_content(), "hi");
  EXPECT_EQ(RunAt({"add", "endpoint/clock/default/a", "weight=4"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("exists; tidegatectl set changes it"));
}

TEST_F(EditTest, Rm_KeepsTheLastOfAGroup) {
  EXPECT_EQ(RunAt({"rm", "endpoint/clock/default/b"}), kDone);
  EXPECT_EQ(Update().api().endpoint_groups(0).endpoints_size(), 1);
  EXPECT_EQ(RunAt({"rm", "endpoint/clock/default/zzz"}), kNotFound);
  auto one = Text<v1::Api>(kApi);
  one.mutable_endpoint_groups(0)->mutable_endpoints()->DeleteSubrange(1, 1);
  server_.Answer("ApiService/GetApi", one);
  EXPECT_EQ(RunAt({"rm", "endpoint/clock/default/a"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("is the last of its group"));
}

}  // namespace
}  // namespace tidegate::ctl
