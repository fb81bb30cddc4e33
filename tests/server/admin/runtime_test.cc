// RuntimeService, and what every call goes through.
#include "server/base/log.h"
#include "tests/server/admin/admin_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::admin {
namespace {

std::string* captured = nullptr;

class RuntimeTest : public AdminTest {
 protected:
  ProcessView process_;
};

TEST_F(RuntimeTest, ServerInfoAndReadiness) {
  ApplyAll();
  process_.version = "0.1.0";
  process_.node = "node-1";
  process_.workers = 2;
  process_.features = {"kafka", "sse"};
  v1::ServerInfo info;
  ASSERT_TRUE(IsOk(GetServerInfo(*deployer_, process_, info)));
  EXPECT_EQ(info.node(), "node-1");
  EXPECT_EQ(info.workers(), 2);
  EXPECT_EQ(info.features_size(), 2);
  EXPECT_EQ(info.config_revision(), 1);
  EXPECT_GT(info.pid(), 0);
  v1::Readiness readiness;
  ASSERT_TRUE(IsOk(GetReadiness(*deployer_, process_, readiness)));
  EXPECT_TRUE(readiness.ready());
  process_.readiness = [] {
    return std::vector<ReadinessView>{{"Workers", false, "Stuck", "worker 1"}};
  };
  ASSERT_TRUE(IsOk(GetReadiness(*deployer_, process_, readiness)));
  EXPECT_FALSE(readiness.ready());
}

TEST_F(RuntimeTest, Drain_isStartedAndCancelled) {
  v1::DrainStatus status;
  plane_.connections.resize(3);
  ASSERT_TRUE(IsOk(StartDrain(*deployer_, process_, status)));
  EXPECT_TRUE(status.draining());
  EXPECT_EQ(status.connections(), 3);
  v1::Readiness readiness;
  ASSERT_TRUE(IsOk(GetReadiness(*deployer_, process_, readiness)));
  EXPECT_FALSE(readiness.ready());
  ASSERT_TRUE(IsOk(CancelDrain(*deployer_, process_, status)));
  EXPECT_FALSE(status.draining());
  int started = 0;
  process_.start_drain = [&] { ++started; };
  ASSERT_TRUE(IsOk(StartDrain(*deployer_, process_, status)));
  EXPECT_EQ(started, 1);
}

TEST_F(RuntimeTest, Connections_areListedAndClosed) {
  ApplyAll();
  for (const char* id : {"2", "1", "3"}) {
    flow::ConnectionInfo info;
    info.id = id;
    info.api = "orders";
    info.entrypoint = "sse";
    info.plan = "partners";
    info.subscription = "storefront";
    info.messages = 7;
    plane_.connections.push_back(info);
  }
  v1::ListConnectionsRequest request;
  request.set_parent("apis/orders");
  request.set_page_size(2);
  v1::ListConnectionsResponse response;
  ASSERT_EQ(Verdict(ListConnections(*deployer_, request, response)), "OK");
  ASSERT_EQ(response.connections_size(), 2);
  EXPECT_EQ(response.connections(0).id(), "1");
  EXPECT_EQ(response.connections(0).application(), "applications/storefront");
  EXPECT_EQ(response.connections(0).messages_sent(), 7);
  EXPECT_NE(response.next_page_token(), "");
  Call call;
  v1::CloseConnectionRequest close;
  EXPECT_EQ(Verdict(CloseConnection(*deployer_, call, close)),
            "INVALID_ARGUMENT REQUIRED_FIELD_MISSING");
  close.set_id("2");
  EXPECT_EQ(Verdict(CloseConnection(*deployer_, call, close)), "OK");
  EXPECT_EQ(Verdict(CloseConnection(*deployer_, call, close)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(RuntimeTest, EndpointsAndTheirTest) {
  ApplyAll();
  flow::EndpointHealth health;
  health.api = "orders";
  health.endpoint = "main";
  health.kind = "mock";
  health.health.state = connectors::HealthState::kReady;
  plane_.endpoints = {health};
  v1::ListEndpointHealthRequest list;
  list.set_parent("apis/-");
  v1::ListEndpointHealthResponse endpoints;
  ASSERT_EQ(Verdict(ListEndpointHealth(*deployer_, list, endpoints)), "OK");
  ASSERT_EQ(endpoints.endpoints_size(), 1);
  EXPECT_EQ(endpoints.endpoints(0).group(), "default");
  EXPECT_EQ(endpoints.endpoints(0).state(), v1::ENDPOINT_STATE_UP);

  v1::TestEndpointRequest request;
  request.set_api("apis/orders");
  request.set_endpoint("main");
  v1::TestEndpointResponse response;
  ASSERT_EQ(Verdict(Do(TestEndpoint, request, response)), "OK");
  EXPECT_FALSE(response.ok());
  EXPECT_EQ(response.steps(1).name(), "tcp");
  request.set_endpoint("none");
  EXPECT_EQ(Verdict(Do(TestEndpoint, request, response)), "NOT_FOUND RESOURCE_NOT_FOUND");
  request.set_api("apis/none");
  EXPECT_EQ(Verdict(Do(TestEndpoint, request, response)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(RuntimeTest, TooLargeOrTooLate_isRefusedBeforeAnything) {
  ServiceCall small(10);
  v1::GetApiRequest request;
  request.set_name("apis/a-rather-long-name");
  cfg::Api response;
  int ran = 0;
  const auto operation = [&] {
    ++ran;
    return OkStatus();
  };
  Call call("ApiService/GetApi");
  EXPECT_EQ(Verdict(small.Run(call, request, response, operation)),
            "RESOURCE_EXHAUSTED LIMIT_REACHED");
  Call late("ApiService/GetApi", std::chrono::milliseconds(-1));
  EXPECT_EQ(Verdict(runner_.Run(late, request, response, operation)),
            "DEADLINE_EXCEEDED DEADLINE_EXCEEDED");
  EXPECT_EQ(ran, 0);
}

TEST_F(RuntimeTest, Mutation_leavesOneAuditLineWithoutSecrets) {
  std::string lines;
  captured = &lines;
  SetLogWriter([](std::string_view line) { captured->append(line).append("\n"); });
  const LogLevel level = GetLogLevel();
  SetLogLevel(LogLevel::kInfo);
  ApplyAll();
  v1::CreateApiKeyRequest create;
  create.set_parent("apis/orders/subscriptions/storefront");
  create.set_api_key_id("main");
  create.mutable_api_key()->mutable_key()->set_text("canary-in-the-log");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(Do(CreateApiKey, create, secret)), "OK");
  v1::UpdateApiRequest dry;
  dry.mutable_api()->set_name("apis/orders");
  dry.set_validate_only(true);
  cfg::Api api;
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Verdict(Do(UpdateApi, dry, api)), "OK");
  Get("apis/orders");
  SetLogLevel(level);
  SetLogWriter(nullptr);
  EXPECT_NE(lines.find("audit.admin"), std::string::npos);
  EXPECT_NE(lines.find("apis/orders/subscriptions/storefront/apiKeys/main"), std::string::npos);
  EXPECT_NE(lines.find("CreateApiKey"), std::string::npos);
  std::size_t updates = 0;
  for (std::size_t at = 0; (at = lines.find("=UpdateApi", at)) != std::string::npos; ++at) {
    ++updates;
  }
  EXPECT_EQ(updates, 50U) << "none is held back";
  EXPECT_EQ(lines.find("GetApi "), std::string::npos) << "reads leave none";
  EXPECT_EQ(lines.find("canary"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::admin
