#include "server/http/sse_frame.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace tidegate::http {
namespace {

struct Parsed {
  std::string id, name, data;
  bool operator==(const Parsed&) const = default;
};

// A reference reader after WHATWG HTML §9.2.6.
std::vector<Parsed> ReadEvents(std::string_view text) {
  std::vector<Parsed> events;
  Parsed current;
  bool any_data = false;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(0, end);
    const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (pair ? 2 : 1));
    if (line.empty()) {
      if (any_data) {
        current.data.pop_back();
        events.push_back(current);
      }
      current.name.clear();
      current.data.clear();
      any_data = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0) continue;
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (field == "data") {
      current.data.append(value).push_back('\n');
      any_data = true;
    } else if (field == "event") {
      current.name = value;
    } else if (field == "id") {
      current.id = value;
    }
  }
  return events;
}

SseEvent Event(std::string_view id, std::string_view name, std::string_view data) {
  SseEvent event;
  event.id = id;
  event.name = name;
  event.data = data;
  return event;
}

TEST(SseFrame, WritesLinesInOrder) {
  std::string out;
  SseEvent event = Event("7", "message", "a\nb\r\nc\rd");
  event.comment = "key: value\nother: x";
  EXPECT_TRUE(AppendSseEvent(out, event));
  EXPECT_EQ(out,
            "id: 7\nevent: message\ndata: a\ndata: b\ndata: c\ndata: d\n"
            ":key: value\n:other: x\n\n");
}

// All texts of up to six of these, against a reader that goes byte by byte.
TEST(SseFrame, EveryOrderOfLineEndsIsSplit) {
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 6) continue;
    for (const char c : std::string_view("a\r\n")) texts.push_back(texts[i] + c);
  }
  ASSERT_EQ(texts.size(), 1093U);
  for (const std::string& text : texts) {
    std::string lines;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
      lines += text[i] == '\r' ? '\n' : text[i];
    }
    std::string out;
    AppendSseEvent(out, Event("", "", text));
    const std::vector<Parsed> events = ReadEvents(out);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].data, lines);
  }
}

TEST(SseFrame, EmptyDataIsAnEvent) {
  std::string out;
  AppendSseEvent(out, Event("", "", ""));
  EXPECT_EQ(out, "data: \n\n");
  EXPECT_EQ(ReadEvents(out).size(), 1U);
}

TEST(SseFrame, UnsafeIdsAndNamesAreLeftOut) {
  for (const std::string_view bad : {std::string_view("a\nb"), std::string_view("a\rb"),
                                     std::string_view("a\0b", 3)}) {
    std::string out;
    EXPECT_FALSE(AppendSseEvent(out, Event(bad, "", "x")));
    EXPECT_EQ(out, "data: x\n\n");
    out.clear();
    EXPECT_FALSE(AppendSseEvent(out, Event("", bad, "x")));
    EXPECT_EQ(out, "data: x\n\n");
  }
}

TEST(SseFrame, HeartbeatAndRetry) {
  std::string out;
  AppendSseComment(out, "");
  AppendSseRetry(out, std::chrono::milliseconds(1500));
  EXPECT_EQ(out, ":\n\nretry: 1500\n\n");
}

// Whatever the payload, a reader gets it back with its line ends as LF, and nothing else.
TEST(SseFrame, RandomPayloadsComeBack) {
  std::srand(7);
  using std::string_view_literals::operator""sv;
  constexpr std::string_view alphabet = "ab: \r\n\0\xC3\xBC{data:id"sv;
  for (int round = 0; round < 20'000; ++round) {
    std::string payload;
    for (int i = std::rand() % 24; i > 0; --i) {
      payload.push_back(alphabet[static_cast<std::size_t>(std::rand()) % alphabet.size()]);
    }
    std::string out;
    SseEvent event = Event("id1", "message", payload);
    if (round % 2 == 0) event.comment = payload;
    AppendSseEvent(out, event);
    std::string expected;
    for (std::size_t i = 0; i < payload.size(); ++i) {
      if (payload[i] == '\r') {
        expected.push_back('\n');
        if (i + 1 < payload.size() && payload[i + 1] == '\n') ++i;
      } else {
        expected.push_back(payload[i]);
      }
    }
    const auto events = ReadEvents(out);
    ASSERT_EQ(events.size(), 1U);
    ASSERT_EQ(events[0], (Parsed{"id1", "message", expected}));
  }
}

}  // namespace
}  // namespace tidegate::http
