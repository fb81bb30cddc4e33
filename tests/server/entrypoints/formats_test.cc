// Wire formats byte for byte.
#include <gtest/gtest.h>

#include "server/base/codec.h"
#include "server/entrypoints/message_text.h"
#include "server/entrypoints/page_format.h"
#include "server/entrypoints/sse_encoder.h"
#include "server/entrypoints/websocket_encoder.h"

namespace tidegate::entrypoints {
namespace {

using connectors::Message;
using connectors::NamedText;
using http::BodyFraming;
using std::string;

const std::vector<NamedText> kExtra = [] {
  std::vector<NamedText> out(1);
  out[0].name = "zone";
  out[0].value = "eu";
  return out;
}();

Message Full(std::string_view content) {
  Message message;
  message.content = content;
  message.headers = {{"X-A", "1"}, {"x-b", "two\nlines"}, {"X-A", "3"}};
  message.key = "k\"1";
  message.topic = "orders";
  message.partition = 2;
  message.offset = 41;
  message.timestamp_ms = 1700000000000;
  message.metadata = kExtra;
  return message;
}

Message Plain(std::string_view content) {
  Message message;
  message.content = content;
  return message;
}

string Sse(const Message& message, std::string_view id, bool headers = false,
           bool metadata = false, BodyFraming framing = BodyFraming::kUntilClose) {
  string out;
  SseEncoder(headers, metadata, framing).Encode(message, id, out);
  return out;
}

string Item(PageType type, const Message& message, std::string_view id, bool extras = false) {
  string out;
  PageEncoder(type, extras, extras, BodyFraming::kUntilClose).Encode(message, id, out);
  return out;
}

TEST(SseFormat, id_event_data) {
  EXPECT_EQ(Sse(Plain("Mock data"), "0"), "id: 0\nevent: message\ndata: Mock data\n\n");
  EXPECT_EQ(Sse(Plain("x"), ""), "event: message\ndata: x\n\n");
  EXPECT_EQ(Sse(Plain(""), ""), "event: message\ndata: \n\n");
}

TEST(SseFormat, every_line_end_starts_a_data_line) {
  EXPECT_EQ(Sse(Plain("a\nb\r\nc\rd\n"), ""),
            "event: message\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(Sse(Plain("x\n\nevent: error\ndata: forged"), ""),
            "event: message\ndata: x\ndata: \ndata: event: error\ndata: data: forged\n\n");
}

TEST(SseFormat, an_id_with_line_ends_is_left_out) {
  EXPECT_EQ(Sse(Plain("x"), "1\nevent: a"), "event: message\ndata: x\n\n");
  EXPECT_EQ(Sse(Plain("x"), string("1\0", 2)), "event: message\ndata: x\n\n");
}

TEST(SseFormat, bytes_that_are_not_text_go_as_base64) {
  EXPECT_EQ(Sse(Plain("\xff\x00z"), "7"),
            "id: 7\nevent: message\ndata: " + Base64("\xff") + "\n:content-encoding: base64\n\n");
}

TEST(SseFormat, headers_and_metadata_as_comments) {
  EXPECT_EQ(Sse(Full("x"), "", true, true),
            "event: message\ndata: x\n:X-A: 1\n:x-b: two\\nlines\n:X-A: 3\n:key: k\"1\n"
            ":topic: orders\n:partition: 2\n:offset: 41\n:sourceTimestamp: 1700000000000\n"
            ":zone: eu\n\n");
}

TEST(SseFormat, chunks_are_part_of_the_frame) {
  EXPECT_EQ(Sse(Plain("x"), "", false, false, BodyFraming::kChunked),
            "00000018\r\nevent: message\ndata: x\n\n\r\n");
  EXPECT_EQ(Framed(":\n\n", BodyFraming::kChunked), "00000003\r\n:\n\n\r\n");
}

TEST(SseFormat, equal_settings_share_frames_and_others_do_not) {
  const SseEncoder a(true, false, BodyFraming::kChunked);
  const SseEncoder b(true, false, BodyFraming::kChunked);
  const SseEncoder c(false, true, BodyFraming::kChunked);
  const SseEncoder d(true, false, BodyFraming::kUntilClose);
  EXPECT_EQ(a.key(), b.key());
  EXPECT_NE(a.key(), c.key());
  EXPECT_NE(a.key(), d.key());
  EXPECT_TRUE(a.wants_headers());
  EXPECT_FALSE(c.wants_headers());
}

TEST(PageFormat, json_items) {
  EXPECT_EQ(Item(PageType::kJson, Plain("Mock data"), "0"),
            "{\"id\":\"0\",\"content\":\"Mock data\"}");
  EXPECT_EQ(Item(PageType::kJson, Plain("{\"a\":1}"), ""), "{\"content\":\"{\\\"a\\\":1}\"}");
  EXPECT_EQ(Item(PageType::kJson, Plain("\xff"), ""),
            "{\"content\":\"/w==\",\"contentEncoding\":\"base64\"}");
  Message tombstone;
  tombstone.has_content = false;
  EXPECT_EQ(Item(PageType::kJson, tombstone, "1"), "{\"id\":\"1\",\"content\":null}");
  EXPECT_EQ(Item(PageType::kJson, Full("x"), "5", true),
            "{\"id\":\"5\",\"content\":\"x\",\"headers\":{\"X-A\":[\"1\",\"3\"],"
            "\"x-b\":[\"two\\nlines\"]},\"metadata\":{\"key\":\"k\\\"1\",\"topic\":\"orders\","
            "\"partition\":2,\"offset\":41,\"sourceTimestamp\":1700000000000,\"zone\":\"eu\"}}");
  EXPECT_EQ(Item(PageType::kJson, Plain("x"), "", true),
            "{\"content\":\"x\",\"headers\":{},\"metadata\":{}}");
}

TEST(PageFormat, xml_items) {
  EXPECT_EQ(Item(PageType::kXml, Plain("Mock data"), "0"),
            "<item><id>0</id><content><![CDATA[Mock data]]></content></item>");
  EXPECT_EQ(Item(PageType::kXml, Plain("a]]>b"), ""),
            "<item><content><![CDATA[a]]]]><![CDATA[>b]]></content></item>");
  EXPECT_EQ(Item(PageType::kXml, Plain("\x01"), ""),
            "<item><content><![CDATA[AQ==]]></content><contentEncoding>base64</contentEncoding>"
            "</item>");
  Message odd = Plain("x");
  odd.headers = {{"1 odd<name", "<&>"}};
  EXPECT_EQ(Item(PageType::kXml, odd, "", true),
            "<item><content><![CDATA[x]]></content><headers><_1_odd_name>&lt;&amp;&gt;"
            "</_1_odd_name></headers><metadata></metadata></item>");
}

TEST(PageFormat, text_items) {
  EXPECT_EQ(Item(PageType::kText, Plain("Mock data"), "0"), "item\nid: 0\ncontent: Mock data\n\n");
  EXPECT_EQ(Item(PageType::kText, Full("x"), "", true),
            "item\ncontent: x\nheaders: {X-A=[1, 3], x-b=[two\nlines]}\n"
            "metadata: {key=k\"1, topic=orders, partition=2, offset=41, "
            "sourceTimestamp=1700000000000, zone=eu}\n\n");
}

TEST(PageFormat, open_and_close) {
  PageEnd end;
  EXPECT_EQ(PageClose(PageType::kJson, end), "]}");
  EXPECT_EQ(PageClose(PageType::kXml, end), "</items></response>");
  EXPECT_EQ(PageClose(PageType::kText, end), "");
  end.next_cursor = "b3JkZXJzQDAjMQ==";
  EXPECT_EQ(PageClose(PageType::kJson, end),
            "],\"pagination\":{\"nextCursor\":\"b3JkZXJzQDAjMQ==\"}}");
  end.limit = "2";
  end.error = PageError();
  end.error->id = "goaway";
  end.error->content = "Stopping, please reconnect";
  EXPECT_EQ(PageClose(PageType::kJson, end),
            "],\"error\":{\"id\":\"goaway\",\"content\":\"Stopping, please reconnect\"},"
            "\"pagination\":{\"nextCursor\":\"b3JkZXJzQDAjMQ==\",\"limit\":\"2\"}}");
  EXPECT_EQ(PageClose(PageType::kXml, end),
            "</items><error><id>goaway</id><content><![CDATA[Stopping, please reconnect]]>"
            "</content></error><pagination><nextCursor>b3JkZXJzQDAjMQ==</nextCursor>"
            "<limit>2</limit></pagination></response>");
  EXPECT_EQ(PageClose(PageType::kText, end),
            "error\nid: goaway\ncontent: Stopping, please reconnect\n\npagination\n"
            "nextCursor: b3JkZXJzQDAjMQ==\nlimit: 2");
  end.error->id.clear();
  end.error->key = "FAILURE_ENDPOINT_CONNECTION_CLOSED";
  EXPECT_NE(PageClose(PageType::kJson, end)
                .find("\"metadata\":{\"key\":\"FAILURE_ENDPOINT_CONNECTION_CLOSED\"}"),
            string::npos);
}

TEST(PageFormat, accept_is_negotiated) {
  struct Row {
    const char* accept;
    std::optional<PageType> type;
  };
  const Row rows[] = {
      {"application/json", PageType::kJson},
      {"application/xml", PageType::kXml},
      {"text/plain", PageType::kText},
      {"*/*", PageType::kJson},
      {"", PageType::kText},
      {"image/png", std::nullopt},
      {"text/html, application/xml;q=0.9, */*;q=0.1", PageType::kXml},
      {"application/json;q=0.2, text/plain;q=0.8", PageType::kText},
      {"application/json;q=0, text/plain", PageType::kText},
      {"application/json;q=0", std::nullopt},
      {"APPLICATION/JSON; charset=utf-8", PageType::kJson},
      {"text/*", PageType::kText},
  };
  for (const Row& row : rows) {
    http::RequestHead head;
    head.headers = {{"Accept", row.accept}};
    EXPECT_EQ(ChoosePageType(head), row.type) << row.accept;
  }
  EXPECT_EQ(ChoosePageType(http::RequestHead()), PageType::kText) << "no Accept at all";
}

TEST(WebsocketFormat, opcode_by_setting) {
  auto encode = [](WebsocketFrames frames, std::string_view content) {
    string out;
    WebsocketEncoder(frames).Encode(Plain(content), "id", out);
    return out;
  };
  EXPECT_EQ(encode(WebsocketFrames::kAuto, "hi"), "\x81\x02hi");
  EXPECT_EQ(encode(WebsocketFrames::kAuto, "\xff"), "\x82\x01\xff");
  EXPECT_EQ(encode(WebsocketFrames::kBinary, "hi"), "\x82\x02hi");
  EXPECT_EQ(encode(WebsocketFrames::kText, "hi"), "\x81\x02hi");
  EXPECT_EQ(encode(WebsocketFrames::kText, "\xff").substr(0, 1), "\x88") << "a close frame";
  EXPECT_EQ(encode(WebsocketFrames::kAuto, string(126, 'a')).substr(0, 4),
            string("\x81\x7e\x00\x7e", 4));
}

}  // namespace
}  // namespace tidegate::entrypoints
