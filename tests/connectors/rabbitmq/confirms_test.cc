#include "connectors/rabbitmq/confirms.h"

#include <gtest/gtest.h>

#include <map>

#include "connectors/rabbitmq/method_codec.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::Outcome;
using connectors::PublishResult;

class ConfirmsTest : public ::testing::Test {
 protected:
  void Add(int count, std::string_view exchange = "tasks") {
    for (int i = 0; i < count; ++i) confirms_.Add(++slots_, Confirms::PlaceOf(exchange, "k"), "");
  }
  static Returned Back(std::string message_id, std::string routing_key = "k") {
    Returned returned;
    returned.code = 312;
    returned.text = "NO_ROUTE";
    returned.exchange = "tasks";
    returned.routing_key = std::move(routing_key);
    returned.message_id = std::move(message_id);
    return returned;
  }
  // "1ok 2no …" in the order of settling.
  std::string text_;
  std::map<std::uint32_t, ErrorClass> classes_;
  std::uint32_t slots_ = 0;
  Confirms confirms_{[this](std::uint32_t slot, PublishResult result) {
    constexpr const char* kNames[] = {"ok", "no", "unknown"};
    text_ += std::to_string(slot) + kNames[static_cast<int>(result.outcome)] + " ";
    EXPECT_EQ(result.status.ok(), result.outcome == Outcome::kOk);
    classes_[slot] = ClassOf(result.status);
  }};
};

CloseReason Missing(std::string_view exchange) {
  CloseReason reason;
  reason.code = 404;
  reason.cause = static_cast<std::uint32_t>(MethodId::kBasicPublish);
  reason.text = "NOT_FOUND - no exchange '" + std::string(exchange) + "' in vhost '/'";
  return reason;
}

TEST_F(ConfirmsTest, OneByOneInAnyOrderAndManyAtOnce) {
  Add(5);
  confirms_.OnConfirm(2, false, true);
  confirms_.OnConfirm(4, true, true);
  confirms_.OnConfirm(5, false, false);
  EXPECT_EQ(text_, "2ok 1ok 3ok 4ok 5no ");
  EXPECT_EQ(classes_[5], ErrorClass::kOverloaded);
  EXPECT_EQ(confirms_.size(), 0u);
  EXPECT_EQ(confirms_.next(), 6u);
}

TEST_F(ConfirmsTest, NumbersNobodyKnowsAreIgnored) {
  Add(1);
  confirms_.OnConfirm(0, false, true);
  confirms_.OnConfirm(2, true, true);
  EXPECT_EQ(text_, "");
  confirms_.OnConfirm(1, false, true);
  confirms_.OnConfirm(1, false, true);
  EXPECT_EQ(text_, "1ok ");
}

TEST_F(ConfirmsTest, AReturnTurnsTheConfirmationIntoANo) {
  Add(2);
  confirms_.OnReturn(Back(confirms_.IdOf(2)));
  EXPECT_EQ(text_, "");
  confirms_.OnConfirm(2, true, true);
  EXPECT_EQ(text_, "1ok 2no ");
  EXPECT_EQ(classes_[2], ErrorClass::kNoRoute);
}

TEST_F(ConfirmsTest, AReturnIsKnownByTheMessagesOwnId) {
  confirms_.Add(1, Confirms::PlaceOf("tasks", "k"), "a");
  confirms_.Add(2, Confirms::PlaceOf("tasks", "k"), "b");
  confirms_.Add(3, Confirms::PlaceOf("tasks", "k"), "b");
  confirms_.OnReturn(Back("b"));
  confirms_.OnReturn(Back("stranger"));
  confirms_.OnConfirm(3, true, true);
  EXPECT_EQ(text_, "1ok 2no 3ok ");
}

// Ids are the clients' own: two may have chosen the same.
TEST_F(ConfirmsTest, OfTwoWithOneIdTheOneIsMeantThatWasSentThere) {
  confirms_.Add(1, Confirms::PlaceOf("tasks", "taken"), "id-1");
  confirms_.Add(2, Confirms::PlaceOf("tasks", "nobody"), "id-1");
  confirms_.Add(3, Confirms::PlaceOf("other", "nobody"), "id-1");
  confirms_.OnReturn(Back("id-1", "nobody"));
  confirms_.OnConfirm(3, true, true);
  EXPECT_EQ(text_, "1ok 2no 3ok ");
}

TEST_F(ConfirmsTest, ALoneOffenderIsADefiniteNo) {
  Add(1, "gone");
  confirms_.OnChannelClosed(Missing("gone"));
  EXPECT_EQ(text_, "1no ");
  EXPECT_EQ(classes_[1], ErrorClass::kDestinationMissing);
  EXPECT_EQ(confirms_.next(), 1u);
}

TEST_F(ConfirmsTest, AfterTheOffenderNothingWasTakenBeforeItNobodyKnows) {
  Add(1, "tasks");
  Add(2, "gone");
  Add(1, "tasks");
  confirms_.OnChannelClosed(Missing("gone"));
  EXPECT_EQ(text_, "1unknown 2unknown 3no 4no ");
}

TEST_F(ConfirmsTest, ALossLeavesEverythingUnknownAndNumbersBeginAgain) {
  Add(3);
  confirms_.OnConfirm(1, false, true);
  confirms_.OnLost(MakeError(ErrorClass::kConnectionClosed, "gone"));
  EXPECT_EQ(text_, "1ok 2unknown 3unknown ");
  Add(1);
  confirms_.OnConfirm(1, false, true);
  EXPECT_EQ(text_, "1ok 2unknown 3unknown 4ok ");
}

}  // namespace
}  // namespace tidegate::rabbitmq
