// Plans, subscriptions and redeploys as clients meet them, on requests and on live streams.
#include "tests/server/flow/request/gateway_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using std::string;

constexpr char kKey[] = "11111111-aaaa-bbbb-cccc-000000000001";
const string kWithKey = string("\r\nX-Gravitee-Api-Key: ") + kKey;

std::shared_ptr<model::Api> KeyApi() {
  auto api = MakeApi("orders", MockSettings(20));
  api->plans = {KeyPlan()};
  return api;
}

class Security : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(IsOk(gateway.Deploy({KeyApi()})));
    Publish(SubscriptionOf("orders", kKey));
  }
  void Publish(model::Subscription subscription) {
    ASSERT_TRUE(IsOk(
        gateway.plane->PublishSubscriptions("orders", {std::move(subscription)}, kTestWait)));
  }
  TestClient& OpenSse() {
    TestClient& client = gateway.Connect();
    client.Send("GET /orders HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream" + kWithKey +
                "\r\n\r\n");
    client.ReadUntil("data: tick");
    return client;
  }
  Gateway gateway;
};

TEST_F(Security, answers_as_gravitee_does_without_a_valid_key) {
  const string missing = gateway.Ask("POST /orders HTTP/1.1\r\nAccept: application/json", "x");
  EXPECT_NE(missing.find("HTTP/1.1 401 Unauthorized\r\n"), string::npos);
  EXPECT_EQ(BodyOf(missing).find("{\"message\":\"Unauthorized\",\"http_status_code\":401,"
                                 "\"key\":\"API_KEY_MISSING\",\"outcome\":\"no\""),
            0u);
  EXPECT_NE(missing.find("WWW-Authenticate: ApiKey realm=\"orders\""), string::npos);
  EXPECT_EQ(missing.find("X-Gravitee-Client-Identifier"), string::npos);
  const string wrong =
      gateway.Ask("POST /orders HTTP/1.1\r\nAccept: text/html\r\nX-Gravitee-Api-Key: bad", "x");
  EXPECT_NE(wrong.find("Content-Type: text/plain\r\n"), string::npos);
  EXPECT_EQ(BodyOf(wrong), "Unauthorized");
}

TEST_F(Security, security_runs_before_the_entrypoint_is_chosen) {
  EXPECT_NE(gateway.Ask("DELETE /orders HTTP/1.1").find(" 401 "), string::npos);
  EXPECT_NE(gateway.Ask("DELETE /orders HTTP/1.1" + kWithKey).find(" 404 "), string::npos);
}

TEST_F(Security, a_key_opens_by_header_and_by_query) {
  const string header = gateway.Ask("POST /orders HTTP/1.1" + kWithKey, "x");
  EXPECT_NE(header.find(" 202 "), string::npos);
  EXPECT_NE(header.find("X-Gravitee-Client-Identifier: subscription-uid\r\n"), string::npos);
  const string query = gateway.Ask(string("POST /orders?api-key=") + kKey + " HTTP/1.1", "x");
  EXPECT_NE(query.find(" 202 "), string::npos);
}

TEST_F(Security, paused_subscription_ends_its_streams_and_refuses_new_requests) {
  TestClient& stream = OpenSse();
  model::Subscription paused = SubscriptionOf("orders", kKey);
  paused.state = model::SubscriptionState::kPaused;
  Publish(paused);
  const string all = stream.ReadToEnd();
  EXPECT_NE(all.find("event: error\ndata: {\"message\":\"The subscription is no longer valid\","
                     "\"http_status_code\":401,\"key\":\"SUBSCRIPTION_ENDED\""),
            string::npos)
      << all;
  EXPECT_NE(gateway.Ask("POST /orders HTTP/1.1" + kWithKey, "x").find(" 401 "), string::npos);
}

TEST_F(Security, revoked_key_ends_only_the_streams_that_came_with_it) {
  model::Subscription two = SubscriptionOf("orders", kKey);
  model::ApiKey second;
  second.name = "second";
  second.sha256 = Sha256("other");
  two.keys.push_back(second);
  Publish(two);
  TestClient& first = OpenSse();
  TestClient& other = gateway.Connect();
  other.Send("GET /orders?api-key=other HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  other.ReadUntil("data: tick");
  two.keys[0].revoked = true;
  Publish(two);
  EXPECT_NE(first.ReadToEnd().find("event: error"), string::npos);
  const std::size_t before = other.received().size();
  other.ReadUntil("data: tick", before);
  EXPECT_EQ(other.received().find("event: error"), string::npos);
}

TEST_F(Security, key_that_expires_by_the_clock_ends_its_stream) {
  model::Subscription soon = SubscriptionOf("orders", kKey);
  soon.keys[0].expire = std::chrono::system_clock::now() + std::chrono::seconds(3);
  Publish(soon);
  TestClient& stream = OpenSse();
  EXPECT_NE(stream.ReadToEnd().find("SUBSCRIPTION_ENDED"), string::npos);
}

TEST_F(Security, unrelated_change_leaves_streams_alone) {
  TestClient& stream = OpenSse();
  model::Subscription same = SubscriptionOf("orders", kKey);
  same.end = std::chrono::system_clock::now() + std::chrono::hours(1);
  Publish(same);
  stream.ReadUntil("data: tick", stream.received().size());
  EXPECT_EQ(gateway.plane->Connections(10).size(), 1u);
}

TEST_F(Security, closed_plan_ends_streams_and_others_go_on_under_the_new_revision) {
  auto api = KeyApi();
  model::Plan open;
  open.name = "open";
  api->plans.push_back(open);
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  TestClient& keyed = OpenSse();
  TestClient& keyless = gateway.Connect();
  keyless.Send("GET /orders HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  keyless.ReadUntil("data: tick");
  auto closed = std::make_shared<model::Api>(*api);
  closed->revision = 2;
  closed->plans[0].stage = model::PlanStage::kClosed;
  ASSERT_TRUE(IsOk(gateway.Deploy({closed})));
  EXPECT_NE(keyed.ReadToEnd().find("\"key\":\"PLAN_ENDED\""), string::npos);
  keyless.ReadUntil("data: tick", keyless.received().size());
  EXPECT_EQ(keyless.received().find("goaway"), string::npos);
}

TEST_F(Security, changed_endpoint_or_removed_api_is_goaway) {
  TestClient& changed = OpenSse();
  auto api = KeyApi();
  api->stream_fingerprint = "orders-2";
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  EXPECT_NE(changed.ReadToEnd().find("event: goaway"), string::npos);
  TestClient& removed = OpenSse();
  ASSERT_TRUE(IsOk(gateway.Deploy({})));
  EXPECT_NE(removed.ReadToEnd().find("event: goaway"), string::npos);
}

TEST_F(Security, connections_are_listed_and_can_be_closed) {
  TestClient& stream = OpenSse();
  const auto list = gateway.plane->Connections(10);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].api, "orders");
  EXPECT_EQ(list[0].entrypoint, "sse");
  EXPECT_EQ(list[0].plan, "partners");
  EXPECT_EQ(list[0].subscription, "storefront");
  EXPECT_EQ(list[0].client, "192.0.2.1");
  EXPECT_EQ(list[0].endpoint, "mock");
  EXPECT_GE(list[0].messages, 1u);
  EXPECT_FALSE(gateway.plane->CloseConnection("9-9"));
  EXPECT_TRUE(gateway.plane->CloseConnection(list[0].id));
  EXPECT_NE(stream.ReadToEnd().find("event: goaway"), string::npos);
}

}  // namespace
}  // namespace tidegate::flow
