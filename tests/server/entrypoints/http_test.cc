// What becomes of a request when it is published, seen at the mock endpoint.
#include <map>

#include "server/flow/access_log.h"
#include "tests/server/flow/request/gateway_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using std::string;

// Keeps the connector that the factory made, to look at what was published.
class HttpPostEntry : public ::testing::Test {
 protected:
  static connectors::ConnectorKind Watched(connectors::ConnectorPtr& made) {
    connectors::ConnectorKind kind = mock::MockKind();
    connectors::ConnectorFactory inner = kind.make;
    kind.make = [inner, &made](const google::protobuf::Message& settings,
                               const connectors::ConnectorContext& context) {
      auto result = inner(settings, context);
      if (result.ok()) made = *result;
      return result;
    };
    return kind;
  }
  void Deploy(bool headers) {
    auto api = MakeApi("post", MockSettings());
    auto settings = std::make_shared<v1::HttpPostEntrypoint>();
    settings->set_request_headers_to_message(headers);
    api->entrypoints[3].settings = settings;
    api->plans.push_back(KeyPlan());
    ASSERT_TRUE(IsOk(gateway.Deploy({api})));
    ASSERT_TRUE(IsOk(gateway.plane->PublishSubscriptions(
        "post", {SubscriptionOf("post", "secret-key")}, kTestWait)));
  }
  std::map<string, string> LastHeaders() {
    std::map<string, string> out;
    const auto published = mock::PublishedTo(*connector);
    for (const auto& header : published.back().headers) {
      out[header.name] = header.value;
    }
    return out;
  }

  connectors::ConnectorPtr connector;
  Gateway gateway{DataPlaneOptions(), Watched(connector)};
};

TEST_F(HttpPostEntry, whole_body_is_one_message) {
  Deploy(false);
  EXPECT_NE(gateway.Ask("POST /post HTTP/1.1", "line\nline").find(" 202 "), string::npos);
  EXPECT_NE(gateway.Ask("POST /post HTTP/1.1\r\nContent-Length: 0").find(" 202 "), string::npos);
  const auto published = mock::PublishedTo(*connector);
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[0].content, "line\nline");
  EXPECT_TRUE(published[0].headers.empty());
  EXPECT_EQ(published[1].content, "");
}

TEST_F(HttpPostEntry, request_headers_go_along_without_credentials_and_framing) {
  Deploy(true);
  const string answer = gateway.Ask(
      "POST /post HTTP/1.1\r\nX-Order: 7\r\nContent-Type: text/plain\r\nCookie: c=1"
      "\r\nAuthorization: Basic abc\r\nX-Gravitee-Api-Key: secret-key\r\nTE: trailers"
      "\r\nKeep-Alive: 1",
      "body");
  EXPECT_NE(answer.find(" 202 "), string::npos);
  const auto headers = LastHeaders();
  EXPECT_EQ(headers.at("X-Order"), "7");
  EXPECT_EQ(headers.at("Content-Type"), "text/plain");
  EXPECT_EQ(headers.count("Host"), 1u);
  for (const char* name : {"Cookie", "Authorization", "X-Gravitee-Api-Key", "TE", "Keep-Alive",
                           "Connection", "Content-Length"}) {
    EXPECT_EQ(headers.count(name), 0u) << name;
  }
}

TEST_F(HttpPostEntry, headers_survive_a_body_that_reuses_the_buffer) {
  Deploy(true);
  TestClient& client = gateway.Connect();
  client.Send("POST /post HTTP/1.1\r\nHost: g\r\nX-Order: 7\r\nTransfer-Encoding: chunked\r\n"
              "Connection: close\r\n\r\n");
  const string piece(1000, 'y');
  for (int i = 0; i < 100; ++i) client.Send("3e8\r\n" + piece + "\r\n");
  client.Send("0\r\n\r\n");
  EXPECT_NE(client.ReadToEnd().find(" 202 "), string::npos);
  EXPECT_EQ(mock::PublishedTo(*connector).back().content.size(), 100'000u);
  EXPECT_EQ(LastHeaders().at("X-Order"), "7");
}

TEST_F(HttpPostEntry, trace_goes_on_behind_the_broker) {
  Deploy(false);
  const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  gateway.Ask("POST /post HTTP/1.1\r\ntraceparent: " + trace + "\r\ntracestate: a=1", "x");
  const auto headers = LastHeaders();
  EXPECT_EQ(headers.at("traceparent"), trace);
  EXPECT_EQ(headers.at("tracestate"), "a=1");
}

class Recorder final : public AccessLog {
 public:
  struct Line {
    string method, path, api, entrypoint, endpoint, plan, end_reason, key;
    int status = 0;
    std::uint64_t messages = 0;
  };
  void Write(const AccessRecord& record) override {
    Line line;
    line.method = record.method;
    line.path = record.path;
    line.api = record.context->api;
    line.plan = record.context->plan;
    line.entrypoint = record.entrypoint;
    line.endpoint = record.endpoint;
    line.end_reason = record.end_reason;
    line.key = record.key;
    line.status = record.status;
    line.messages = record.messages;
    lines.push_back(line);
  }
  std::vector<Line> lines;  // read after the worker has answered
};

TEST(AccessLog, one_record_per_request_without_its_query) {
  Recorder recorder;
  DataPlaneOptions options;
  options.access_log = &recorder;
  Gateway gateway(std::move(options));
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("post", MockSettings(1, 3))})));
  gateway.Ask("POST /post/x?api-key=secret HTTP/1.1", "abc");
  gateway.Ask("GET /post HTTP/1.1\r\nAccept: text/event-stream");
  gateway.Ask("GET /nope HTTP/1.1");
  gateway.OnWorker([] {});
  ASSERT_EQ(recorder.lines.size(), 3u);
  const Recorder::Line& post = recorder.lines[0];
  EXPECT_EQ(post.method + " " + post.path, "POST /post/x");
  EXPECT_EQ(post.api + post.plan + post.entrypoint + post.endpoint, "postopenhttp-postmock");
  EXPECT_EQ(post.status, 202);
  EXPECT_EQ(post.messages, 1u);
  EXPECT_EQ(recorder.lines[1].end_reason, "completed");
  EXPECT_EQ(recorder.lines[1].messages, 3u);
  EXPECT_EQ(recorder.lines[2].status, 404);
  EXPECT_EQ(recorder.lines[2].api, "");
}

TEST(Sse, client_that_leaves_frees_its_seat) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("sse", MockSettings(1000))})));
  TestClient& client = gateway.Connect();
  client.Send("GET /sse HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  client.ReadUntil("retry: ");
  ASSERT_EQ(gateway.plane->Connections(5).size(), 1u);
  client.Close();
  while (!gateway.plane->Connections(5).empty()) std::this_thread::yield();
  EXPECT_EQ(gateway.plane->readers().subscribers, 0u);
}

TEST(Sse, silence_is_filled_with_heartbeats) {
  Gateway gateway;
  auto api = MakeApi("sse", MockSettings(10'000));
  auto settings = std::make_shared<v1::SseEntrypoint>();
  settings->mutable_heartbeat_interval()->set_nanos(200'000'000);
  settings->mutable_retry()->set_seconds(2);
  api->entrypoints[0].settings = settings;
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  TestClient& client = gateway.Connect();
  client.Send("GET /sse HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  client.ReadUntil("00000003\r\n:\n\n\r\n");
  EXPECT_NE(client.received().find("0000000d\r\nretry: 2000\n\n\r\n"), string::npos);
}

TEST(HttpGet, a_failing_source_ends_the_page_with_its_error) {
  Gateway gateway;
  auto mock = MockSettings();
  mock->set_fail_after(2);
  mock->set_fail_with(v1::ERROR_CLASS_CONNECTION_CLOSED);
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("get", mock)})));
  const string body =
      Unchunk(BodyOf(gateway.Ask("GET /get HTTP/1.1\r\nAccept: application/json")));
  EXPECT_EQ(body,
            "{\"items\":[{\"id\":\"0\",\"content\":\"tick\"},{\"id\":\"1\",\"content\":\"tick\"}],"
            "\"error\":{\"content\":\"Endpoint connection closed\",\"metadata\":{\"key\":"
            "\"FAILURE_ENDPOINT_CONNECTION_CLOSED\"}},\"pagination\":{\"nextCursor\":\"1\"}}");
}

TEST(HttpGet, the_time_box_ends_an_empty_page) {
  Gateway gateway;
  auto api = MakeApi("get", MockSettings(100'000));
  auto settings = std::make_shared<v1::HttpGetEntrypoint>();
  settings->mutable_messages_limit_duration()->set_nanos(50'000'000);
  api->entrypoints[2].settings = settings;
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  const string answer = gateway.Ask("GET /get?cursor=41 HTTP/1.1\r\nAccept: application/json");
  EXPECT_EQ(Unchunk(BodyOf(answer)), "{\"items\":[],\"pagination\":{\"nextCursor\":\"41\"}}");
}

TEST(Sse, a_connection_of_age_says_goaway) {
  Gateway gateway;
  gateway.limits.connection_age = std::chrono::milliseconds(1);
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("aged", MockSettings(5))})));
  TestClient& client = gateway.Connect();
  client.Send("GET /aged HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  const string body = Unchunk(BodyOf(client.ReadToEnd()));
  EXPECT_NE(body.find("event: goaway\ndata: Stopping, please reconnect\n\n"), string::npos) << body;
}

TEST(HttpGet, a_page_of_an_old_connection_is_whole) {
  Gateway gateway;
  gateway.limits.connection_age = std::chrono::milliseconds(1);
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("aged", MockSettings(1, 300))})));
  const string answer = gateway.Ask("GET /aged?limit=300 HTTP/1.1\r\nAccept: application/json");
  EXPECT_NE(answer.find("\"id\":\"299\""), string::npos) << answer;
  EXPECT_EQ(answer.find("goaway"), string::npos);
}

TEST(Sse, an_address_has_a_number_of_streams_and_no_more) {
  DataPlaneOptions options;
  options.streams_per_address = 2;
  Gateway gateway(std::move(options));
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("caps", MockSettings(5))})));
  const string ask = "GET /caps HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n";
  TestClient& first = gateway.Connect();
  TestClient& second = gateway.Connect();
  for (TestClient* client : {&first, &second}) {
    client->Send(ask);
    client->ReadUntil("data:");
  }
  TestClient& third = gateway.Connect();
  third.Send(ask);
  const string refused = third.ReadUntil("Too many streams");
  EXPECT_EQ(refused.substr(0, 30), "HTTP/1.1 429 Too Many Requests") << refused;
  EXPECT_NE(refused.find("Retry-After: "), string::npos);
  TestClient& other = gateway.Connect("192.0.2.2");
  other.Send(ask);
  EXPECT_NE(other.ReadUntil("data:").find(" 200 "), string::npos) << "another address";
  const string page = gateway.Ask("GET /caps?limit=1 HTTP/1.1\r\nAccept: application/json");
  EXPECT_NE(page.find(" 200 "), string::npos) << "a page is no stream";
  first.Close();
  string again;
  const TimePoint give_up = Clock::now() + kTestWait;
  while (again.find(" 200 ") == string::npos && Clock::now() < give_up) {
    TestClient& client = gateway.Connect();
    client.Send(ask);
    again = client.ReadUntil("\r\n\r\n");
  }
  EXPECT_NE(again.find(" 200 "), string::npos) << "the place of the first is free again";
}

TEST(HttpGet, stopping_gateway_ends_the_page_with_goaway) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("get", MockSettings(100'000))})));
  TestClient& client = gateway.Connect();
  client.Send("GET /get HTTP/1.1\r\nHost: g\r\nAccept: application/json\r\n\r\n");
  client.ReadUntil("{\"items\":[");
  gateway.plane->EndStreams();
  gateway.plane->WaitForStreams(kTestWait);
  const string body = Unchunk(BodyOf(client.ReadToEnd()));
  EXPECT_EQ(body.find("{\"items\":[],\"error\":{\"id\":\"goaway\","
                      "\"content\":\"Stopping, please reconnect\"}"),
            0u)
      << body;
}

}  // namespace
}  // namespace tidegate::flow
