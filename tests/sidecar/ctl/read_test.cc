// get, describe, history, explain, connections, version, test, drain, completion: what is shown.
#include <cstdlib>

#include "sidecar/ctl/completion.h"
#include "tests/sidecar/ctl/fixture.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/plan_service.pb.h"
#include "tidegate/admin/v1/runtime_service.pb.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;
using testing::HasSubstr;

constexpr const char* kApi = R"(
  name: "apis/orders" display_name: "Orders" version: "1.10" type: API_TYPE_MESSAGE
  listeners { path: "/orders" } listeners { host: "o.example.com" path: "/" }
  entrypoints { sse {} qos: QOS_AT_LEAST_ONCE } entrypoints { http_get {} }
  endpoint_groups { name: "default" endpoints { name: "main" mock {} } }
  plans { name: "apis/orders/plans/gold" api_key {} }
  state: API_STATE_LIVE deployed_revision: "apis/orders/revisions/4"
  conditions { type: "Ready" status: CONDITION_STATUS_TRUE }
  managed_by: MANAGED_BY_ADMIN owner: "me" etag: "\"e1\""
  create_time { seconds: 1795176000 } update_time { seconds: 1795258800 })";

class ReadTest : public CtlTest {
 protected:
  ReadTest() {
    server_.Answer("ApiService/GetApi", Text<v1::Api>(kApi));
    auto page = Text<admin::ListApisResponse>("");
    *page.add_apis() = Text<v1::Api>(kApi);
    *page.add_apis() = Text<v1::Api>("name: 'apis/b' state: API_STATE_STORED");
    server_.Answer("ApiService/ListApis", page);
  }
};

TEST_F(ReadTest, GetTable) {
  EXPECT_EQ(RunAt({"get", "apis"}), kDone);
  EXPECT_EQ(out(),
            "NAME    STATE   READY  REVISION  PATHS                   ENTRYPOINTS   AGE\n"
            "orders  live    true   4         /orders,o.example.com/  sse,http-get  24h\n"
            "b       stored  -      -         -                       -             -\n");
  EXPECT_EQ(err(), "");
}

TEST_F(ReadTest, GetName) {
  EXPECT_EQ(RunAt({"get", "apis", "-o", "name"}), kDone);
  EXPECT_EQ(out(), "api/orders\napi/b\n");
}

TEST_F(ReadTest, GetYaml_IsWhatApplyReads) {
  EXPECT_EQ(RunAt({"get", "api/orders", "-o", "yaml"}), kDone);
  EXPECT_EQ(out(), R"(kind: Api
name: orders
displayName: Orders
version: "1.10"
type: message
listeners:
  - path: /orders
  - host: o.example.com
    path: /
entrypoints:
  - sse: {}
    qos: at-least-once
  - http-get
endpointGroups:
  - name: default
    endpoints:
      - name: main
        mock: {}
plans:
  - name: gold
    apiKey: {}
)");
  const std::string file = Write("back.yaml", out());
  EXPECT_EQ(Run({"validate", "-f", file}), kDone) << err();
}

TEST_F(ReadTest, GetJson_IsOneObjectOrAnArray) {
  EXPECT_EQ(RunAt({"get", "api/orders", "-o", "json"}), kDone);
  EXPECT_EQ(out().substr(0, 2), "{\n");
  EXPECT_THAT(out(), HasSubstr("\"kind\": \"Api\""));
  EXPECT_EQ(RunAt({"get", "apis", "-o", "json"}), kDone);
  EXPECT_EQ(out().substr(0, 2), "[\n");
  EXPECT_EQ(out().substr(out().size() - 3), "\n]\n");
}

TEST_F(ReadTest, GetProtoJson_HasEverything) {
  EXPECT_EQ(RunAt({"get", "api/orders", "-o", "proto-json"}), kDone);
  EXPECT_THAT(out(), HasSubstr("\"name\": \"apis/orders\""));
  EXPECT_THAT(out(), HasSubstr("\"qos\": \"QOS_AT_LEAST_ONCE\""));
  EXPECT_THAT(out(), HasSubstr("\"etag\": \"\\\"e1\\\"\""));
}

TEST_F(ReadTest, GetSeveral_FollowsPages) {
  int pages = 0;
  server_.On("PlanService/ListPlans", [&](const auto& request, auto& response) {
    const auto& asked = static_cast<const admin::ListPlansRequest&>(request);
    auto& page = static_cast<admin::ListPlansResponse&>(response);
    EXPECT_EQ(asked.parent(), "apis/orders");
    page.add_plans()->set_name(++pages == 1 ? "apis/orders/plans/a" : "apis/orders/plans/b");
    if (asked.page_token().empty()) page.set_next_page_token("next");
    return FakeError();
  });
  EXPECT_EQ(RunAt({"get", "plans/orders", "-o", "name"}), kDone);
  EXPECT_EQ(out(), "plan/orders/a\nplan/orders/b\n");
}

TEST_F(ReadTest, GetWhatIsMissing) {
  server_.Fail("ApiService/GetApi", {5, "apis/x does not exist", "RESOURCE_NOT_FOUND"});
  EXPECT_EQ(RunAt({"get", "api/x"}), kNotFound);
  EXPECT_EQ(RunAt({"get", "api/x", "--ignore-not-found"}), kDone);
  EXPECT_EQ(out() + err(), "");
  server_.Answer("ApiService/ListApis", admin::ListApisResponse());
  EXPECT_EQ(RunAt({"get", "apis"}), kDone);
  EXPECT_EQ(err(), "no apis\n");
}

TEST_F(ReadTest, GetKeysEndpointsListeners) {
  server_.Answer("SubscriptionService/ListApiKeys", Text<admin::ListApiKeysResponse>(R"(
    api_keys { name: "apis/o/subscriptions/s/apiKeys/main" prefix: "tg12"
               expire_time { seconds: 1 } }
    api_keys { name: "apis/o/subscriptions/s/apiKeys/old" revoked: true })"));
  EXPECT_EQ(RunAt({"get", "keys/o/s"}), kDone);
  EXPECT_EQ(out(), "NAME  STARTS WITH  STATE    EXPIRES               AGE\n"
                   "main  tg12         expired  1970-01-01T00:00:01Z  -\n"
                   "old   -            revoked  -                     -\n");
  EXPECT_EQ(RunAt({"get", "key/o/s/none"}), kNotFound);
  EXPECT_EQ(RunAt({"get", "keys"}), kUsage);
  server_.Answer("RuntimeService/ListEndpointHealth", Text<admin::ListEndpointHealthResponse>(R"(
    endpoints { api: "apis/o" group: "default" endpoint: "main" kind: "kafka"
                state: ENDPOINT_STATE_DOWN error_class: "ConnectFailed" message: "refused"
                readers: 2 })"));
  EXPECT_EQ(RunAt({"get", "endpoints"}), kDone);
  EXPECT_EQ(out(), "API  GROUP    NAME  KIND   STATE  SINCE  READERS  LAST ERROR\n"
                   "o    default  main  kafka  down   -      2        ConnectFailed: refused\n");
  server_.Answer("RuntimeService/ListListeners", Text<admin::ListListenersResponse>(
      "listeners { name: 'plain' address: '127.0.0.1:8' purpose: 'http' connections: 3 }"));
  EXPECT_EQ(RunAt({"get", "listeners"}), kDone);
  EXPECT_EQ(out(), "NAME   ADDRESS      PURPOSE  TLS  CONNECTIONS\n"
                   "plain  127.0.0.1:8  http     no   3\n");
}

TEST_F(ReadTest, Describe_TellsTheWholeStory) {
  server_.Answer("RuntimeService/ListEndpointHealth", Text<admin::ListEndpointHealthResponse>(
      "endpoints { api: 'apis/orders' group: 'default' endpoint: 'main' kind: 'mock' "
      "state: ENDPOINT_STATE_IDLE }"));
  server_.Answer("SubscriptionService/ListSubscriptions",
                 Text<admin::ListSubscriptionsResponse>(R"(
    subscriptions { name: "apis/orders/subscriptions/s" api: "apis/orders"
                    plan: "apis/orders/plans/gold" application: "applications/shop"
                    state: SUBSCRIPTION_STATE_ACCEPTED })"));
  EXPECT_EQ(RunAt({"describe", "api/orders"}), kDone);
  EXPECT_EQ(out(), R"(api/orders
  display name   Orders
  version        1.10
  state          live, revision 4
  ready          true
  owner          me (admin)
  etag           "e1"
  created        2026-11-20T12:00:00Z (24h ago)
  updated        2026-11-21T11:00:00Z (60m ago)

Listeners
  /orders
  o.example.com/

Entrypoints
  sse            qos at-least-once
  http-get       qos auto

Plans
API     NAME  SECURITY  STAGE      VALIDATION  AGE
orders  gold  api-key   published  auto        -

Endpoints
API     GROUP    NAME  KIND  STATE  SINCE  READERS  LAST ERROR
orders  default  main  mock  idle   -      0        -

Subscriptions
API     NAME  PLAN  APPLICATION  STATE     KEYS  AGE
orders  s     gold  shop         accepted  0     -

Conditions
TYPE   STATUS  REASON  MESSAGE  SINCE
Ready  true    -       -        -
)");
}

TEST_F(ReadTest, History_MarksWhatIsServed) {
  server_.Answer("ApiService/ListApiRevisions", Text<admin::ListApiRevisionsResponse>(R"(
    api_revisions { name: "apis/orders/revisions/4" create_time { seconds: 1795262340 } }
    api_revisions { name: "apis/orders/revisions/3" create_time { seconds: 1795176000 } })"));
  EXPECT_EQ(RunAt({"history", "api/orders"}), kDone);
  EXPECT_EQ(out(), "REVISION  DEPLOYED              AGE  STATE\n"
                   "4         2026-11-21T11:59:00Z  60s  served\n"
                   "3         2026-11-20T12:00:00Z  24h  -\n");
  auto revision = Text<v1::ApiRevision>("name: 'apis/orders/revisions/3'");
  *revision.mutable_snapshot() = Text<v1::Api>(kApi);
  server_.Answer("ApiService/GetApiRevision", revision);
  EXPECT_EQ(RunAt({"history", "api/orders", "-o", "name"}), kDone);
  EXPECT_EQ(out(), "api/orders/4\napi/orders/3\n");
  EXPECT_EQ(RunAt({"history", "api/orders/3", "-o", "yaml"}), kDone);
  EXPECT_THAT(out(), HasSubstr("kind: Api\nname: orders\n"));
}

TEST_F(ReadTest, Explain_NeedsNoServer) {
  EXPECT_EQ(Run({"explain", "api.entrypoints.sse"}), kDone);
  EXPECT_THAT(out(), HasSubstr("heartbeatInterval"));
  EXPECT_EQ(Run({"explain", "api.entrypoint"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("entrypoints"));
  EXPECT_EQ(Run({"explain"}), kUsage);
}

TEST_F(ReadTest, Connections) {
  server_.Answer("RuntimeService/ListConnections", Text<admin::ListConnectionsResponse>(R"(
    connections { id: "1-7" api: "apis/orders" entrypoint: "sse" client_address: "10.0.0.9:5"
                  plan: "apis/orders/plans/gold" subscription: "apis/orders/subscriptions/s"
                  start_time { seconds: 1795262340 } messages_sent: 12 pending_bytes: 80 })"));
  EXPECT_EQ(RunAt({"connections", "api/orders"}), kDone);
  EXPECT_EQ(out(),
            "ID   API     ENTRYPOINT  CLIENT      PLAN  SUBSCRIPTION  AGE  SENT  RECEIVED  "
            "PENDING\n"
            "1-7  orders  sse         10.0.0.9:5  gold  s             60s  12    0         80B\n");
  EXPECT_EQ(server_.Last<admin::ListConnectionsRequest>("RuntimeService/ListConnections").parent(),
            "apis/orders");
}

TEST_F(ReadTest, Drain_WaitsUntilNobodyIsLeft) {
  int left = 2;
  server_.On("RuntimeService/StartDrain", [&](const auto&, auto& response) {
    auto& status = static_cast<admin::DrainStatus&>(response);
    status.set_draining(true);
    status.set_connections(left--);
    return FakeError();
  });
  EXPECT_EQ(RunAt({"drain"}), kDone);
  EXPECT_EQ(err(), "draining: 1 connection left\ndrained: no connections are left\n");
  left = 7;
  EXPECT_EQ(RunAt({"drain", "--no-wait"}), kDone);
  EXPECT_EQ(err(), "draining: 7 connections left\n");
  server_.Answer("RuntimeService/StartDrain",
                 Text<admin::DrainStatus>("draining: true connections: 9"));
  EXPECT_EQ(RunAt({"drain", "--timeout", "1s"}), kTimedOut);
  server_.Answer("RuntimeService/CancelDrain", admin::DrainStatus());
  EXPECT_EQ(RunAt({"drain", "--cancel"}), kDone);
}

TEST_F(ReadTest, Version_WithAndWithoutAGateway) {
  server_.Answer("RuntimeService/GetServerInfo", Text<admin::ServerInfo>(
      "version: '9.9' node: 'n1' workers: 2 pid: 7 start_time { seconds: 1795262340 }"));
  EXPECT_EQ(RunAt({"version"}), kDone);
  EXPECT_THAT(out(), HasSubstr("tidegatectl " TIDEGATE_VERSION "\ntidegate    9.9 at unix:"));
  EXPECT_THAT(out(), HasSubstr("  node n1, 2 workers, up 60s, pid 7"));
  EXPECT_EQ(RunAt({"version", "-o", "json"}), kDone);
  EXPECT_THAT(out(), HasSubstr("\"version\": \"9.9\""));
  EXPECT_EQ(Run({"version", "--server", "unix:/does/not/exist"}), kDone);
  EXPECT_EQ(out(), "tidegatectl " TIDEGATE_VERSION "\n");
  EXPECT_THAT(err(), HasSubstr("not reached at unix:/does/not/exist"));
}

TEST_F(ReadTest, TestOfAnEndpoint_FailsWhenAStepDoes) {
  server_.Answer("RuntimeService/TestEndpoint", Text<admin::TestEndpointResponse>(R"(
    steps { name: "configuration" ok: true duration { nanos: 2000000 } }
    steps { name: "connection" error_class: "ConnectFailed" message: "refused" })"));
  EXPECT_EQ(RunAt({"test", "endpoint/orders/main"}), kRefused);
  EXPECT_EQ(out(), "STEP           RESULT                  TIME  FOUND\n"
                   "configuration  ok                      2ms   -\n"
                   "connection     failed (ConnectFailed)  -     refused\n");
  const auto request = server_.Last<admin::TestEndpointRequest>("RuntimeService/TestEndpoint");
  EXPECT_EQ(request.api(), "apis/orders");
  EXPECT_EQ(request.endpoint(), "main");
}

TEST_F(ReadTest, Completion_ScriptsAreValidShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), kDone);
    const std::string file = Write(std::string("completion.") + shell, out());
    const std::string check = std::string("command -v ") + shell + " >/dev/null || exit 0; " +
                              shell + " -n " + file;
    EXPECT_EQ(std::system(("sh -c '" + check + "'").c_str()), 0) << shell;
  }
  EXPECT_EQ(Run({"completion", "tcsh"}), kUsage);
}

TEST_F(ReadTest, Completion_KnowsVerbsFlagsTypesAndNames) {
  env_["TIDEGATE_SERVER"] = server_.address();
  Run({"__complete", "de"});
  EXPECT_EQ(out(), "delete\ndeploy\ndeprecate\ndescribe\n");
  Run({"__complete", "apply", "--dr"});
  EXPECT_EQ(out(), "--dry-run\n");
  Run({"__complete", "get", "-o", "y"});
  EXPECT_EQ(out(), "yaml\n");
  Run({"__complete", "publish", ""});
  EXPECT_EQ(out(), "plan/\n");
  Run({"__complete", "deploy", "api/o"});
  EXPECT_EQ(out(), "api/orders\n");
  Run({"__complete", "publish", "plan/"});
  EXPECT_EQ(out(), "plan/b/\nplan/orders/\n");
  env_["TIDEGATE_SERVER"] = "unix:/does/not/exist";
  EXPECT_EQ(Run({"__complete", "deploy", "api/"}), kDone);
  EXPECT_EQ(out() + err(), "");
}

}  // namespace
}  // namespace tidegate::ctl
