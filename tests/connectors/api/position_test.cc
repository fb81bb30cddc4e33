#include "connectors/api/position.h"

#include <gtest/gtest.h>

#include "connectors/api/message.h"
#include "tests/support/is_ok.h"

namespace tidegate::connectors {
namespace {

TEST(Position, FormatAndParseAreInverse) {
  for (const char* text : {"orders@0#5", "orders@0#5,1#9;returns@2#1", "a.b_c-d@12#-1", "0", "41",
                           "t@0#9223372036854775806"}) {
    auto position = Position::Parse(text);
    ASSERT_TRUE(position.ok()) << text << ": " << position.status();
    EXPECT_EQ(position->Format(), text);
  }
}

TEST(Position, ParseSortsTopicsAndPartitions) {
  auto position = Position::Parse("b@1#1,0#2;a@0#3");
  ASSERT_TRUE(IsOk(position));
  EXPECT_EQ(position->Format(), "a@0#3;b@0#2,1#1");
}

TEST(Position, ParseRefusesEverythingElseWithTheReason) {
  for (const char* text :
       {"", "@0#1", "t", "t@", "t@0", "t@0#", "t@#1", "t@0#01", "t@-1#1", "t@0#-2", "t@0#1,",
        "t@0#1;", "t@0#1,0#2", "t@0#1;t@0#2", "t t@0#1", "t@0#1 ", "t@+0#1", "t@2147483648#1",
        "t@0#9223372036854775807", "-2", "007", "t@0#1e3", "t/x@0#1", "t@0#0x1"}) {
    auto position = Position::Parse(text);
    ASSERT_FALSE(position.ok()) << text;
    EXPECT_EQ(ReasonOf(position.status()), "CURSOR_MALFORMED") << text;
  }
  EXPECT_FALSE(Position::Parse(std::string(5000, '1')).ok());
}

TEST(Position, CoversComparesEveryNamedPartition) {
  const Position ahead = *Position::Parse("t@0#5,1#9");
  EXPECT_TRUE(ahead.Covers(*Position::Parse("t@0#5,1#8")));
  EXPECT_TRUE(ahead.Covers(*Position::Parse("t@1#9")));
  EXPECT_FALSE(ahead.Covers(*Position::Parse("t@0#6")));
  EXPECT_FALSE(ahead.Covers(*Position::Parse("t@2#0")));
}

class CountingTarget : public AckTarget {
 public:
  void OnAck(const AckToken& token) override { acked += token.tag; }
  void OnNack(const AckToken&, NackKind kind) override {
    (kind == NackKind::kRetry ? retried : rejected)++;
  }
  std::int64_t acked = 0;
  int retried = 0;
  int rejected = 0;
};

TEST(Ack, IsSettledOnceAndDroppingItMeansRetry) {
  auto* target = new CountingTarget();
  AckToken token;
  token.tag = 7;
  {
    Ack ack(*target, token);
    ack.Done();
    ack.Nack(NackKind::kReject);
    Ack dropped(*target, token);
    Ack moved = std::move(dropped);
  }
  EXPECT_EQ(target->acked, 7);
  EXPECT_EQ(target->retried, 1);
  EXPECT_EQ(target->rejected, 0);
  target->Release();
}

TEST(MessageBatch, SlotsKeepTheirCapacityAndReleaseTheirHold) {
  int released = 0;
  MessageBatch batch;
  Message& message = batch.Add();
  message.headers.reserve(8);
  message.hold = Hold(&released, [](void* count) { ++*static_cast<int*>(count); });
  batch.Clear();
  EXPECT_EQ(released, 1);
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_GE(batch.Add().headers.capacity(), 8u);
}

TEST(MessageBatch, TheLastCanBeTakenBack) {
  int released = 0;
  MessageBatch batch;
  batch.Add().offset = 1;
  Message& last = batch.Add();
  last.content = "abc";
  last.key = "kk";
  last.headers.push_back(HeaderField{"n", "value"});
  EXPECT_EQ(SizeOf(last), 11u);
  last.hold = Hold(&released, [](void* count) { ++*static_cast<int*>(count); });
  batch.DropLast();
  EXPECT_EQ(released, 1);
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].offset, 1);
  EXPECT_EQ(SizeOf(batch.Add()), 0u);
}

}  // namespace
}  // namespace tidegate::connectors
