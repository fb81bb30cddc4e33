#include "server/exchange/context.h"
#include "tests/support/is_ok.h"

#include <gtest/gtest.h>

namespace tidegate::exchange {
namespace {

http::RequestHead Head(std::vector<http::HeaderView> headers, std::string_view query = {}) {
  http::RequestHead head;
  head.method = "GET";
  head.headers = std::move(headers);
  head.query = query;
  return head;
}

TEST(ClientIdentifier, cases_of_gravitee) {
  struct Row {
    std::string_view sent;
    std::string_view broker;
    std::string_view shown;
  };
  const Row rows[] = {
      {"", "sub-1", "sub-1"},
      {"alice", "alice-sub-1", "alice"},
      {"alice-sub-1", "alice-sub-1", "alice-sub-1"},
      {"sub-1", "sub-1", "sub-1"},
  };
  for (const Row& row : rows) {
    std::vector<http::HeaderView> headers;
    if (!row.sent.empty()) headers.push_back({"x-gravitee-client-identifier", row.sent});
    Context context;
    ASSERT_TRUE(IsOk(SetClientIdentifier(Head(headers), "sub-1", context)));
    EXPECT_EQ(context.client_identifier, row.broker) << row.sent;
    EXPECT_EQ(context.shown_client_identifier(), row.shown) << row.sent;
  }
}

TEST(ClientIdentifier, may_come_by_query) {
  Context context;
  const auto head = Head({}, "a=1&X-Gravitee-Client-Identifier=bob");
  ASSERT_TRUE(IsOk(SetClientIdentifier(head, "s", context)));
  EXPECT_EQ(context.client_identifier, "bob-s");
}

TEST(ClientIdentifier, refuses_what_no_broker_name_can_hold) {
  const std::string longer(129, 'a');
  for (const std::string_view bad : {std::string_view(longer), std::string_view("a b"),
                                     std::string_view("caf\xc3\xa9")}) {
    Context context;
    const Status status =
        SetClientIdentifier(Head({{"X-Gravitee-Client-Identifier", bad}}), "s", context);
    EXPECT_EQ(ReasonOf(status), "INVALID_CLIENT_IDENTIFIER");
    EXPECT_EQ(MessageOf(status).find(std::string(bad)), std::string::npos) << "not echoed";
  }
}

TEST(ClientIdentifier, of_an_address_is_its_sha256_as_gravitee_shows_it) {
  EXPECT_EQ(AddressIdentifier("127.0.0.1"),
            "12ca17b49af2289436f303e0166030a21e525d266e209267433801a8fd4071a0");
}

TEST(ClientAddress, is_written_as_the_library_writes_it) {
  net::Peer peer;
  for (const char* text : {"0.0.0.0", "1.20.255.9", "255.255.255.255", "127.0.0.1", "::1"}) {
    peer.address = asio::ip::make_address(text);
    EXPECT_EQ(ClientAddress(peer), text);
    EXPECT_EQ(ClientAddress(peer), peer.address.to_string());
  }
}

TEST(ClientAddress, folds_mapped_addresses) {
  net::Peer peer;
  peer.address = asio::ip::make_address("::ffff:10.1.2.3");
  EXPECT_EQ(ClientAddress(peer), "10.1.2.3");
  peer.address = asio::ip::make_address("2001:db8::1");
  EXPECT_EQ(ClientAddress(peer), "2001:db8::1");
}

TEST(ReadHead, error_bodies_follow_accept) {
  struct Row {
    std::vector<http::HeaderView> headers;
    bool json;
  };
  const Row rows[] = {
      {{}, false},
      {{{"Accept", "*/*"}}, true},
      {{{"Accept", "text/html, application/json;q=0.5"}}, true},
      {{{"Accept", "text/plain"}}, false},
      {{{"accept", "image/png"}, {"ACCEPT", "*/*"}}, true},
  };
  for (const Row& row : rows) {
    Context context;
    ReadHead(Head(row.headers), "id", context);
    EXPECT_EQ(context.accepts_json, row.json);
  }
}

TEST(ReadHead, keeps_ids_and_tracing) {
  Context context;
  const std::string_view parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ReadHead(Head({{"X-Gravitee-Transaction-Id", "my-txn"},
                 {"traceparent", parent},
                 {"tracestate", "a=1"},
                 {"Origin", "https://a.example"}}),
           "request", context);
  EXPECT_EQ(context.transaction_id(), "my-txn");
  EXPECT_EQ(context.request_id, "request");
  EXPECT_EQ(context.traceparent, parent);
  EXPECT_EQ(context.tracestate, "a=1");
  EXPECT_EQ(context.origin, "https://a.example");
}

TEST(ReadHead, malformed_ids_are_replaced) {
  Context context;
  ReadHead(Head({{"X-Gravitee-Transaction-Id", "with space"}, {"traceparent", "00-short"}}), "id",
           context);
  EXPECT_EQ(context.transaction_id(), "id");
  EXPECT_EQ(context.traceparent, "");
}

TEST(Attributes, set_replaces_and_is_bounded) {
  Attributes attributes;
  attributes.Set("a", "1");
  attributes.Set("a", "2");
  ASSERT_NE(attributes.Find("a"), nullptr);
  EXPECT_EQ(*attributes.Find("a"), "2");
  for (int i = 0; i < 200; ++i) attributes.Set("n" + std::to_string(i), "v");
  EXPECT_NE(attributes.Find("n10"), nullptr);
  EXPECT_EQ(attributes.Find("n199"), nullptr);
}

}  // namespace
}  // namespace tidegate::exchange
