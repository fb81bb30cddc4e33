// Every cell of gravitee-behaviour §2.9, entrypoints by the needs that they really declare.
#include "server/flow/qos_rules.h"

#include <gtest/gtest.h>

#include "server/entrypoints/builtin.h"
#include "tidegate/config/v1/entrypoint.pb.h"

namespace tidegate::flow {
namespace {

using connectors::Capabilities;
using connectors::Qos;
using connectors::QosSet;
using connectors::Share;

Capabilities Kafka() {
  Capabilities out;
  out.publish = out.subscribe = true;
  out.levels = QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  out.auto_ack = out.manual_ack = out.recover = true;
  return out;
}
Capabilities Mqtt() {
  Capabilities out = Kafka();
  out.recover = false;
  return out;
}
// Brokers that do less than ours: by level, and by what they can do.
Capabilities Simple() {
  Capabilities out = Mqtt();
  out.levels = QosSet::Of(Qos::kNone, Qos::kAuto);
  out.manual_ack = false;
  return out;
}
Capabilities Deaf() {
  Capabilities out = Mqtt();
  out.manual_ack = false;
  return out;
}
Capabilities Mock() {
  Capabilities out = Kafka();
  out.private_only = true;
  return out;
}

Needs NeedsOf(const std::string& kind) {
  EntrypointContext context;
  context.can_publish = context.can_subscribe = true;
  config::v1::SseEntrypoint sse;
  config::v1::HttpGetEntrypoint get;
  config::v1::HttpPostEntrypoint post;
  config::v1::WebsocketEntrypoint websocket;
  if (kind == "sse") return (*entrypoints::MakeSse(sse, context))->needs();
  if (kind == "http-get") return (*entrypoints::MakeHttpGet(get, context))->needs();
  if (kind == "http-post") return (*entrypoints::MakeHttpPost(post, context))->needs();
  if (kind == "websocket") return (*entrypoints::MakeWebsocket(websocket, context))->needs();
  Needs webhook;
  webhook.subscribe = true;
  webhook.accepts = QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  webhook.at_needs_manual_ack = true;
  return webhook;
}

// y: accepted, l: level refused, c: capability refused; none, auto, at-most-once, at-least-once.
struct Row {
  const char* entrypoint;
  const char* endpoint;
  const char* cells;
};
constexpr Row kMatrix[] = {
    {"http-post", "kafka", "yyll"}, {"http-post", "mock", "yyll"},
    {"http-post", "mqtt5", "yyll"}, {"http-post", "simple", "yyll"},
    {"http-post", "deaf", "yyll"},
    {"http-get", "kafka", "lyyy"},  {"http-get", "mock", "lyyy"},
    {"http-get", "mqtt5", "lyyy"},  {"http-get", "simple", "lyll"},
    {"http-get", "deaf", "lycc"},
    {"sse", "kafka", "yyyy"},       {"sse", "mock", "yyyy"},
    {"sse", "mqtt5", "yyyy"},       {"sse", "simple", "yyll"},
    {"sse", "deaf", "yycc"},
    {"websocket", "kafka", "yyll"}, {"websocket", "mock", "yyll"},
    {"websocket", "mqtt5", "yyll"}, {"websocket", "simple", "yyll"},
    {"webhook", "kafka", "yyyy"},   {"webhook", "mock", "yyyy"},
    {"webhook", "mqtt5", "yyyy"},   {"webhook", "simple", "yyll"},
    {"webhook", "deaf", "yycc"},
};

Capabilities Offer(const std::string& endpoint) {
  if (endpoint == "kafka") return Kafka();
  if (endpoint == "mock") return Mock();
  if (endpoint == "deaf") return Deaf();
  return endpoint == "mqtt5" ? Mqtt() : Simple();
}

TEST(QosRules, every_cell_of_the_matrix) {
  constexpr Qos kLevels[] = {Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce};
  for (const Row& row : kMatrix) {
    for (int i = 0; i < 4; ++i) {
      QosParties parties;
      parties.entrypoint = row.entrypoint;
      parties.endpoint = row.endpoint;
      const auto problem =
          CheckQos(NeedsOf(row.entrypoint), kLevels[i], Offer(row.endpoint), parties);
      const char cell = !problem ? 'y' : problem->reason == "INCOMPATIBLE_QOS" ? 'l' : 'c';
      EXPECT_EQ(cell, row.cells[i]) << row.entrypoint << " " << row.endpoint << " " << i;
    }
  }
}

TEST(QosRules, texts_name_both_sides) {
  QosParties parties;
  parties.entrypoint = "sse";
  parties.endpoint = "endpoint 'box' (mqtt5)";
  const auto capability = CheckQos(NeedsOf("sse"), Qos::kAtLeastOnce, Deaf(), parties);
  ASSERT_TRUE(capability);
  EXPECT_EQ(capability->reason, "INCOMPATIBLE_QOS_CAPABILITIES");
  EXPECT_EQ(capability->text,
            "Incompatible Qos capabilities between entrypoint requirements and endpoint supports: "
            "sse with at-least-once needs RECOVER or MANUAL_ACK, endpoint 'box' (mqtt5) has "
            "AUTO_ACK");
  const auto level = CheckQos(NeedsOf("sse"), Qos::kAtLeastOnce, Simple(), parties);
  ASSERT_TRUE(level);
  EXPECT_EQ(level->text,
            "Incompatible Qos between entrypoint and endpoint: sse asks for at-least-once, "
            "endpoint 'box' (mqtt5) offers none, auto");
}

TEST(QosRules, auto_needs_auto_ack_where_the_entrypoint_says_so) {
  Capabilities bare = Kafka();
  bare.auto_ack = false;
  QosParties parties;
  EXPECT_TRUE(CheckQos(NeedsOf("sse"), Qos::kAuto, bare, parties));
  EXPECT_TRUE(CheckQos(NeedsOf("websocket"), Qos::kAuto, bare, parties));
  EXPECT_FALSE(CheckQos(NeedsOf("http-get"), Qos::kAuto, bare, parties));
  EXPECT_FALSE(CheckQos(NeedsOf("http-post"), Qos::kAuto, bare, parties));
}

TEST(QosRules, who_receives_by_default) {
  const Needs sse = NeedsOf("sse");
  EXPECT_EQ(DefaultShare(sse, Qos::kNone, Kafka()), Share::kEach);
  EXPECT_EQ(DefaultShare(sse, Qos::kAuto, Kafka()), Share::kGroup);
  EXPECT_EQ(DefaultShare(sse, Qos::kAtMostOnce, Kafka()), Share::kEach);
  EXPECT_EQ(DefaultShare(sse, Qos::kAtLeastOnce, Kafka()), Share::kEach);
  EXPECT_EQ(DefaultShare(sse, Qos::kAtLeastOnce, Mqtt()), Share::kGroup);
  EXPECT_EQ(DefaultShare(NeedsOf("webhook"), Qos::kAtLeastOnce, Kafka()), Share::kGroup);
  EXPECT_EQ(DefaultShare(sse, Qos::kAuto, Mock()), Share::kPrivate);
}

TEST(QosRules, share_cannot_be_chosen_where_each_consumer_has_its_own) {
  QosParties parties;
  EXPECT_FALSE(CheckShare(model::Share::kDefault, Qos::kAuto, Mock(), parties));
  EXPECT_FALSE(CheckShare(model::Share::kGroup, Qos::kAuto, Kafka(), parties));
  const auto problem = CheckShare(model::Share::kEach, Qos::kAuto, Mock(), parties);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->reason, "INCOMPATIBLE_SHARE");
}

TEST(QosRules, each_with_a_promise_needs_positions) {
  QosParties parties;
  parties.entrypoint = "sse";
  parties.endpoint = "endpoint 'box' (mqtt5)";
  for (const Qos qos : {Qos::kNone, Qos::kAuto}) {
    EXPECT_FALSE(CheckShare(model::Share::kEach, qos, Mqtt(), parties));
  }
  for (const Qos qos : {Qos::kAtMostOnce, Qos::kAtLeastOnce}) {
    EXPECT_FALSE(CheckShare(model::Share::kEach, qos, Kafka(), parties));
    EXPECT_FALSE(CheckShare(model::Share::kGroup, qos, Mqtt(), parties));
    const auto problem = CheckShare(model::Share::kEach, qos, Mqtt(), parties);
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->reason, "INCOMPATIBLE_QOS_CAPABILITIES");
    EXPECT_NE(problem->text.find("needs RECOVER for share: each"), std::string::npos);
  }
}

}  // namespace
}  // namespace tidegate::flow
