// Secrets that change behind unchanged definitions.
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "server/config/secrets.h"
#include "tests/server/flow/request/gateway_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

// A mock that can say that its broker refuses it.
class Refusable final : public connectors::Connector {
 public:
  Refusable(connectors::ConnectorPtr inner, const std::atomic<bool>& refused)
      : inner_(std::move(inner)), refused_(refused) {}
  std::string_view kind() const override { return inner_->kind(); }
  const connectors::Capabilities& capabilities() const override { return inner_->capabilities(); }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override {
    return inner_->OpenSource(std::move(spec), worker);
  }
  StatusOr<connectors::Sink*> SinkFor(net::Worker& worker) override {
    return inner_->SinkFor(worker);
  }
  void AppendId(const connectors::Position& position, std::string& out) const override {
    inner_->AppendId(position, out);
  }
  StatusOr<connectors::Position> ParseId(std::string_view id) const override {
    return inner_->ParseId(id);
  }
  connectors::Health health() const override {
    connectors::Health health;
    health.state = refused_ ? connectors::HealthState::kFailed : connectors::HealthState::kReady;
    health.last_error = refused_ ? ErrorClass::kAuthFailed : ErrorClass::kNone;
    return health;
  }
  Task<std::vector<connectors::TestStage>> Test(net::Worker& worker) override {
    return inner_->Test(worker);
  }
  Task<void> Drain(TimePoint deadline, net::Worker& worker) override {
    return inner_->Drain(deadline, worker);
  }

 private:
  const connectors::ConnectorPtr inner_;
  const std::atomic<bool>& refused_;
};

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
    options.drain_notice = std::chrono::milliseconds(1);
    connectors::ConnectorKind kind = mock::MockKind();
    kind.make = [this, make = kind.make](const google::protobuf::Message& settings,
                                         const connectors::ConnectorContext& context)
        -> StatusOr<connectors::ConnectorPtr> {
      TG_ASSIGN_OR_RETURN(connectors::ConnectorPtr inner, make(settings, context));
      return connectors::ConnectorPtr(std::make_shared<Refusable>(std::move(inner), refused_));
    };
    gateway_ = std::make_unique<Gateway>(std::move(options), std::move(kind));
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
  std::atomic<bool> refused_{false};
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

TEST_F(Rotation, live_streams_go_on_until_the_old_credentials_are_refused) {
  auto settings = MockSettings(5);
  auto* header = settings->add_headers();
  header->set_name("X-Secret");
  header->mutable_secret()->set_file(File());
  const model::ApiPtr live = MakeApi("live", settings);
  ASSERT_TRUE(IsOk(gateway_->Deploy({rotating_, still_, live})));
  TestClient& client = gateway_->Connect();
  TestClient& other = gateway_->Connect();
  const std::string rest = " HTTP/1.1\r\nHost: gateway\r\nAccept: text/event-stream\r\n\r\n";
  client.Send("GET /live" + rest);
  other.Send("GET /still" + rest);
  other.ReadUntil("data: tick");
  const std::size_t seen = client.ReadUntil("data: tick").size();
  Write("second");
  EXPECT_EQ(Refresh(), 2U);
  const std::size_t more = client.ReadUntil("data: tick", seen).size();
  EXPECT_EQ(client.received().find("goaway"), std::string::npos);
  refused_ = true;
  client.ReadUntil("event: goaway", more);
  EXPECT_NE(client.received().find("event: goaway", more), std::string::npos);
  const std::size_t there = other.received().size();
  other.ReadUntil("data: tick", there);  // its connector is in use still
  EXPECT_EQ(other.received().find("goaway"), std::string::npos);
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
  EXPECT_TRUE(IsOk(gateway_->Deploy({rotating_, edited})));
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
