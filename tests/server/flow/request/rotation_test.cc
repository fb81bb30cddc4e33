// Secrets that change behind unchanged definitions.
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "server/config/secrets.h"
#include "tests/server/flow/request/gateway_fixture.h"

namespace tidegate::flow {
namespace {

class Rotation : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate-rotation-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    secrets_ = std::make_unique<config::SecretResolver>(config::SecretRules{{folder_}, {}});
    Write("first");
    DataPlaneOptions options;
    options.secrets = secrets_.get();
    gateway_ = std::make_unique<Gateway>(std::move(options));
    // The mock says its secret aloud, which tells with what it was made.
    auto settings = MockSettings(1, 3);
    auto* header = settings->add_headers();
    header->set_name("X-Secret");
    header->mutable_secret()->set_file(File());
    auto api = MakeApi("rotating", settings);
    auto get = std::make_shared<v1::HttpGetEntrypoint>();
    get->set_headers_in_payload(true);
    get->mutable_messages_limit_duration()->set_seconds(5);
    api->entrypoints[2].settings = get;
    rotating_ = api;
    still_ = MakeApi("still", MockSettings(20));
    const Status status = gateway_->Deploy({rotating_, still_});
    ASSERT_TRUE(status.ok()) << status;
  }
  void TearDown() override {
    gateway_.reset();
    ::unlink(File().c_str());
    ::rmdir(folder_.c_str());
  }

  std::string File() const { return folder_ + "/secret"; }
  void Write(const std::string& text) { std::ofstream(File()) << text << "\n"; }
  std::size_t Refresh() {
    kept_.clear();
    auto changed = gateway_->plane->RefreshSecrets(kTestWait, kept_);
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.ok() ? *changed : 0;
  }
  std::string Page() {
    return gateway_->Ask("GET /rotating?limit=1 HTTP/1.1\r\nAccept: application/json");
  }

  std::string folder_;
  std::unique_ptr<config::SecretResolver> secrets_;
  std::unique_ptr<Gateway> gateway_;
  model::ApiPtr rotating_;
  model::ApiPtr still_;
  std::vector<AssembleProblem> kept_;
};

TEST_F(Rotation, a_changed_secret_makes_a_new_connector_and_no_other) {
  EXPECT_EQ(Refresh(), 0U);
  const std::uint64_t before = gateway_->plane->generation();
  EXPECT_NE(Page().find("first"), std::string::npos);
  Write("second");
  EXPECT_EQ(Refresh(), 1U);
  EXPECT_EQ(gateway_->plane->generation(), before + 1);
  EXPECT_NE(Page().find("second"), std::string::npos);
  EXPECT_EQ(Refresh(), 0U);
  EXPECT_EQ(gateway_->plane->generation(), before + 1);
}

TEST_F(Rotation, live_streams_go_on) {
  auto settings = MockSettings(5);
  auto* header = settings->add_headers();
  header->set_name("X-Secret");
  header->mutable_secret()->set_file(File());
  const model::ApiPtr live = MakeApi("live", settings);
  ASSERT_TRUE(gateway_->Deploy({rotating_, still_, live}).ok());
  TestClient& client = gateway_->Connect();
  client.Send("GET /live HTTP/1.1\r\nHost: gateway\r\nAccept: text/event-stream\r\n\r\n");
  const std::size_t seen = client.ReadUntil("data: tick").size();
  Write("second");
  EXPECT_EQ(Refresh(), 2U);
  const std::string text = client.ReadUntil("data: tick", seen);
  EXPECT_NE(text.find("data: tick", seen), std::string::npos);
  EXPECT_EQ(text.find("goaway"), std::string::npos);
}

TEST_F(Rotation, what_makes_no_connector_keeps_what_runs_and_is_told) {
  ::unlink(File().c_str());
  EXPECT_EQ(Refresh(), 0U);
  ASSERT_EQ(kept_.size(), 1U);
  EXPECT_EQ(kept_[0].api, "rotating");
  EXPECT_EQ(kept_[0].path, "endpointGroups[0].endpoints[0].mock");
  EXPECT_EQ(kept_[0].reason, "SECRET_UNRESOLVED");
  EXPECT_NE(Page().find("first"), std::string::npos);
  // Neither is another API kept from changing by it.
  auto edited = std::make_shared<model::Api>(*still_);
  edited->plans.push_back(KeyPlan());
  EXPECT_TRUE(gateway_->Deploy({rotating_, edited}).ok());
  EXPECT_NE(Page().find("first"), std::string::npos);
  Write("third");
  EXPECT_EQ(Refresh(), 1U);
  EXPECT_TRUE(kept_.empty());
  EXPECT_NE(Page().find("third"), std::string::npos);
}

TEST_F(Rotation, a_new_definition_with_a_secret_that_is_gone_is_refused) {
  ::unlink(File().c_str());
  auto edited = std::make_shared<model::Api>(*rotating_);
  EXPECT_FALSE(gateway_->Deploy({edited, still_}).ok());
  ASSERT_FALSE(gateway_->problems.empty());
  EXPECT_EQ(gateway_->problems[0].reason, "SECRET_UNRESOLVED");
}

}  // namespace
}  // namespace tidegate::flow
