// From a request's bytes to a mock endpoint and back.
#include <algorithm>

#include "server/exchange/error_map.h"
#include "tests/server/flow/request/gateway_fixture.h"
#include "tests/support/is_ok.h"

namespace tidegate::flow {
namespace {

using std::string;

string Line(const string& text) { return text + "\r\n"; }

TEST(Gateway, unknown_path_is_404_text_whatever_is_accepted) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  const string answer = gateway.Ask("GET /nope HTTP/1.1\r\nAccept: application/json");
  EXPECT_EQ(answer.substr(0, 24), "HTTP/1.1 404 Not Found\r\n");
  EXPECT_NE(answer.find("Content-Type: text/plain\r\n"), string::npos);
  EXPECT_EQ(BodyOf(answer), "No context-path matches the request URI.");
}

TEST(Gateway, path_prefix_matches_by_whole_segments_only) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  EXPECT_NE(gateway.Ask("POST /clock/deep HTTP/1.1", "x").find(" 202 "), string::npos);
  EXPECT_NE(gateway.Ask("POST /clockx HTTP/1.1", "x").find(" 404 "), string::npos);
  EXPECT_NE(gateway.Ask("POST /Clock HTTP/1.1", "x").find(" 404 "), string::npos);
}

TEST(Gateway, host_listener_wins_over_any_host) {
  Gateway gateway;
  auto any = MakeApi("any", MockSettings());
  any->listeners[0].path = "/x";
  auto host = MakeApi("host", MockSettings());
  host->listeners[0].host = "orders.example.com";
  host->listeners[0].path = "";
  host->entrypoints.pop_back();  // no http-post: tells the two apart
  ASSERT_TRUE(IsOk(gateway.Deploy({any, host})));
  TestClient& client = gateway.Connect();
  client.Send("POST /x HTTP/1.1\r\nHost: Orders.Example.com:80\r\nContent-Length: 0\r\n"
              "Connection: close\r\n\r\n");
  EXPECT_NE(client.ReadToEnd().find("No entrypoint matches the incoming request"), string::npos);
  EXPECT_NE(gateway.Ask("POST /x HTTP/1.1", "a").find(" 202 "), string::npos);
}

TEST(Gateway, post_is_published_and_answered_202_with_ids) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  const string answer =
      gateway.Ask("POST /clock HTTP/1.1\r\nX-Gravitee-Transaction-Id: my-txn", "{\"a\":1}");
  EXPECT_EQ(answer.substr(0, 23), "HTTP/1.1 202 Accepted\r\n");
  EXPECT_EQ(BodyOf(answer), "");
  EXPECT_NE(answer.find(Line("X-Gravitee-Transaction-Id: my-txn")), string::npos);
  EXPECT_NE(answer.find("X-Gravitee-Request-Id: "), string::npos);
  // SHA-256 of 192.0.2.1
  EXPECT_NE(answer.find("X-Gravitee-Client-Identifier: " +
                        Hex(Sha256("192.0.2.1").data(), 32)),
            string::npos);
  EXPECT_EQ(gateway.plane->Endpoints().size(), 1u);
}

TEST(Gateway, methods_without_entrypoint_are_404_in_the_usual_body) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  for (const char* method : {"DELETE", "PUT", "PATCH", "OPTIONS"}) {
    const string answer =
        gateway.Ask(string(method) + " /clock HTTP/1.1\r\nAccept: application/json");
    EXPECT_NE(answer.find(" 404 "), string::npos) << method;
    EXPECT_EQ(BodyOf(answer).find("{\"message\":\"No entrypoint matches the incoming request\","
                                  "\"http_status_code\":404,"),
              0u)
        << answer;
  }
  const string head = gateway.Ask("HEAD /clock HTTP/1.1");
  EXPECT_NE(head.find(" 404 "), string::npos);
}

TEST(Gateway, body_over_the_limit_is_413) {
  DataPlaneOptions options;
  options.body_bytes_max = 10;
  Gateway gateway(std::move(options));
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  const string answer =
      gateway.Ask("POST /clock HTTP/1.1\r\nAccept: application/json", string(11, 'x'));
  EXPECT_NE(answer.find(" 413 "), string::npos);
  EXPECT_NE(answer.find("\"key\":\"REQUEST_CONTENT_LIMIT_TOO_LARGE\",\"outcome\":\"no\""),
            string::npos);
}

TEST(Gateway, endpoint_failure_of_a_post_follows_the_error_table) {
  Gateway gateway;
  auto mock = MockSettings();
  mock->set_fail_after(0);
  mock->set_fail_with(v1::ERROR_CLASS_CONNECT_FAILED);
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", mock)})));
  const string answer = gateway.Ask("POST /clock HTTP/1.1\r\nAccept: */*", "x");
  EXPECT_NE(answer.find(" 503 "), string::npos) << answer;
  EXPECT_NE(answer.find("\"key\":\"FAILURE_ENDPOINT_CONNECTION_FAILED\",\"outcome\":\"no\""),
            string::npos);
  EXPECT_NE(answer.find("Connection: close"), string::npos);
}

TEST(Gateway, get_returns_a_page_and_the_next_one_after_its_cursor) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  const string first = gateway.Ask("GET /clock?limit=2 HTTP/1.1\r\nAccept: application/json");
  EXPECT_NE(first.find("Content-Type: application/json\r\n"), string::npos);
  EXPECT_EQ(Unchunk(BodyOf(first)),
            "{\"items\":[{\"id\":\"0\",\"content\":\"tick\"},{\"id\":\"1\",\"content\":\"tick\"}],"
            "\"pagination\":{\"nextCursor\":\"1\",\"limit\":\"2\"}}");
  const string second =
      gateway.Ask("GET /clock?limit=1&cursor=1 HTTP/1.1\r\nAccept: application/json");
  EXPECT_EQ(Unchunk(BodyOf(second)), "{\"items\":[{\"id\":\"2\",\"content\":\"tick\"}],"
                                     "\"pagination\":{\"nextCursor\":\"2\",\"limit\":\"1\"}}");
}

TEST(Gateway, get_keeps_the_connection_for_the_next_request) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  TestClient& client = gateway.Connect();
  client.Send("GET /clock?limit=1 HTTP/1.1\r\nHost: g\r\nAccept: text/plain\r\n\r\n");
  client.ReadUntil("\r\n0\r\n\r\n");
  EXPECT_EQ(Unchunk(BodyOf(client.received())),
            "items\nitem\nid: 0\ncontent: tick\n\npagination\nnextCursor: 0\nlimit: 1");
  client.Forget();
  client.Send("POST /clock HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_NE(client.ReadUntil("\r\n\r\n").find(" 202 "), string::npos);
}

TEST(Gateway, get_refuses_what_it_cannot_read) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings())})));
  for (const char* query : {"limit=x", "limit=-1", "limit=0", "limit=", "limit=1.5", "limit=%zz",
                            "cursor=abc", "cursor=-1", "cursor=99999999999999999999",
                            "cursor=%z"}) {
    const string answer = gateway.Ask(string("GET /clock?") + query + " HTTP/1.1");
    EXPECT_NE(answer.find(" 400 "), string::npos) << query << "\n" << answer;
  }
  const string image = gateway.Ask("GET /clock HTTP/1.1\r\nAccept: image/png");
  EXPECT_NE(image.find(" 400 "), string::npos);
  EXPECT_EQ(BodyOf(image).find("Unsupported accept header"), 0u);
  EXPECT_EQ(image.find("image/png"), string::npos) << "input is not echoed";
}

TEST(Gateway, sse_sends_retry_events_with_ids_and_ends_when_the_source_ends) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings(1, 2))})));
  const string answer = gateway.Ask("GET /clock HTTP/1.1\r\nAccept: text/event-stream");
  EXPECT_NE(answer.find("Content-Type: text/event-stream;charset=UTF-8\r\n"), string::npos);
  EXPECT_NE(answer.find("Cache-Control: no-cache\r\n"), string::npos);
  const string body = Unchunk(BodyOf(answer));
  EXPECT_EQ(body.substr(0, 7), "retry: ");
  EXPECT_EQ(body.substr(body.find("\n\n") + 2),
            "id: 0\nevent: message\ndata: tick\n\nid: 1\nevent: message\ndata: tick\n\n");
}

TEST(Gateway, sse_resumes_behind_last_event_id) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings(1, 4))})));
  const string answer =
      gateway.Ask("GET /clock HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: 2");
  const string body = Unchunk(BodyOf(answer));
  EXPECT_EQ(body.substr(body.find("\n\n") + 2), "id: 3\nevent: message\ndata: tick\n\n");
  const string bad =
      gateway.Ask("GET /clock HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: x;y");
  EXPECT_NE(bad.find(" 400 "), string::npos);
}

TEST(Gateway, sse_over_http_1_0_is_not_chunked) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings(1, 1))})));
  const string answer = gateway.Ask("GET /clock HTTP/1.0\r\nAccept: text/event-stream");
  EXPECT_EQ(answer.find("Transfer-Encoding"), string::npos);
  const string body = BodyOf(answer);
  EXPECT_EQ(body.substr(body.find("\n\n") + 2), "id: 0\nevent: message\ndata: tick\n\n");
}

TEST(Gateway, stopped_api_is_404) {
  Gateway gateway;
  auto api = MakeApi("clock", MockSettings());
  api->stopped = true;
  ASSERT_TRUE(IsOk(gateway.Deploy({api})));
  EXPECT_NE(gateway.Ask("POST /clock HTTP/1.1", "x").find("No context-path"), string::npos);
}

TEST(Gateway, draining_refuses_with_503_and_ends_streams_with_goaway) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("clock", MockSettings(50))})));
  TestClient& stream = gateway.Connect();
  stream.Send("GET /clock HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  stream.ReadUntil("retry: ");
  ASSERT_EQ(gateway.plane->Connections(10).size(), 1u);
  gateway.plane->StartDrain();
  const string refused = gateway.Ask("POST /clock HTTP/1.1", "x");
  EXPECT_NE(refused.find(" 503 "), string::npos);
  EXPECT_NE(refused.find("Connection: close"), string::npos);
  gateway.plane->EndStreams();
  gateway.plane->WaitForStreams(kTestWait);
  const string all = stream.ReadToEnd();
  EXPECT_NE(all.find("event: goaway\ndata: Stopping, please reconnect\n\n"), string::npos);
  EXPECT_TRUE(gateway.plane->Connections(10).empty());
  gateway.plane->CancelDrain();
}

// A client that reads nothing keeps its stream open for the last second of the goodbye.
TEST(Gateway, ending_streams_waits_for_nobody_and_tells_who_is_left) {
  Gateway gateway;
  ASSERT_TRUE(IsOk(gateway.Deploy({MakeApi("deaf", MockSettings(1, 0, string(300'000, 'x')))})));
  gateway.Connect().Send("GET /deaf HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n");
  const TimePoint give_up = Clock::now() + kTestWait;
  while (gateway.plane->Backlogs()["deaf"].paused == 0 && Clock::now() < give_up) {
    std::this_thread::yield();
  }
  const Backlog backlog = gateway.plane->Backlogs()["deaf"];
  EXPECT_EQ(backlog.paused, 1u);
  EXPECT_GE(backlog.messages, 1u);
  EXPECT_GE(backlog.bytes, 300'000u);
  gateway.plane->EndStreams();
  EXPECT_EQ(gateway.plane->WaitForStreams(std::chrono::milliseconds(1)), 1u);
  EXPECT_EQ(gateway.plane->WaitForStreams(kTestWait), 0u);
}

}  // namespace
}  // namespace tidegate::flow
