#include "connectors/solace/condition.h"

#include <gtest/gtest.h>
#include <proton/condition.h>
#include <proton/connection.h>

#include "connectors/solace/backoff.h"
#include "connectors/solace/source_core.h"

namespace tidegate::solace {
namespace {

struct Condition {
  Condition(const char* name, const char* text) : connection(pn_connection()) {
    if (name != nullptr) {
      pn_condition_set_name(get(), name);
      pn_condition_set_description(get(), text);
    }
  }
  ~Condition() { pn_connection_free(connection); }
  pn_condition_t* get() const { return pn_connection_condition(connection); }
  pn_connection_t* const connection;
};

TEST(ConditionTest, ConditionsHaveClasses) {
  struct Case {
    const char* name;
    ErrorClass error_class;
  };
  for (const Case& c : {Case{"amqp:unauthorized-access", ErrorClass::kNotAuthorized},
                        Case{"amqp:not-found", ErrorClass::kDestinationMissing},
                        Case{"amqp:resource-limit-exceeded", ErrorClass::kOverloaded},
                        Case{"amqp:not-implemented", ErrorClass::kConfigInvalid},
                        Case{"amqp:connection:forced", ErrorClass::kConnectionClosed},
                        Case{"vendor:whatever", ErrorClass::kConnectionClosed}}) {
    const Condition condition(c.name, "why\r\nnot");
    const Status status = StatusOfCondition(condition.get(), "read");
    EXPECT_EQ(ClassOf(status), c.error_class) << c.name;
    EXPECT_EQ(MessageOf(status), std::string("read: ") + c.name + ": why  not");
  }
  const Condition none(nullptr, nullptr);
  EXPECT_EQ(ClassOf(StatusOfCondition(none.get(), "read")), ErrorClass::kConnectionClosed);
}

TEST(ConditionTest, RejectionsOfMessagesAreOfTheMessage) {
  const Condition large("amqp:link:message-size-exceeded", "5 bytes");
  EXPECT_EQ(ClassOf(RejectionOf(large.get())), ErrorClass::kMessageRejected);
  const Condition missing("amqp:not-found", "");
  EXPECT_EQ(ClassOf(RejectionOf(missing.get())), ErrorClass::kNoRoute);
  const Condition full("amqp:resource-limit-exceeded", "spool");
  EXPECT_EQ(ClassOf(RejectionOf(full.get())), ErrorClass::kOverloaded);
  const Condition none(nullptr, nullptr);
  EXPECT_EQ(ClassOf(RejectionOf(none.get())), ErrorClass::kMessageRejected);
}

TEST(ConditionTest, TextsOfBrokersStayOneBoundedLine) {
  EXPECT_EQ(OneLine(std::string(5000, 'x')).size(), 300u);
  EXPECT_EQ(OneLine("a\nb\x7f"), "a b ");
}

TEST(BackoffTest, PausesGrowToALimitAndRefusedCredentialsWaitLonger) {
  using std::chrono::milliseconds;
  for (int failures = 0; failures < 40; ++failures) {
    const milliseconds pause = BackoffPause(failures, ErrorClass::kConnectFailed);
    EXPECT_GE(pause, milliseconds(375));
    EXPECT_LE(pause, milliseconds(10'000));
  }
  EXPECT_GE(BackoffPause(20, ErrorClass::kConnectFailed), milliseconds(6'000));
  EXPECT_EQ(BackoffPause(0, ErrorClass::kAuthFailed), milliseconds(30'000));
}

TEST(LinkNameTest, NamesAreStableBoundedAndApart) {
  const std::string name = LinkName("tidegate.events.solace.alice", "events/>");
  EXPECT_EQ(name, LinkName("tidegate.events.solace.alice", "events/>"));
  EXPECT_EQ(name.substr(0, 28), "tidegate.events.solace.alice");
  EXPECT_NE(name, LinkName("tidegate.events.solace.alice", "events/*"));
  // Characters that Solace does not take in names are replaced, and names stay apart all the same.
  EXPECT_NE(LinkName("a*", "t"), LinkName("a?", "t"));
  EXPECT_EQ(LinkName("a*", "t").find('*'), std::string::npos);
  EXPECT_LE(LinkName(std::string(400, 'g'), "t").size(), 200u);
}

}  // namespace
}  // namespace tidegate::solace
