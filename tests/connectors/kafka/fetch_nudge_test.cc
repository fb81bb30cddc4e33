#include "connectors/kafka/fetch_nudge.h"

#include <gtest/gtest.h>

namespace tidegate::kafka {
namespace {

TEST(FetchNudge, NobodyIsAskedBeforeEnoughHasCome) {
  FetchNudge nudge;
  EXPECT_FALSE(nudge.Due());
  nudge.Took("t", 0, 1000);
  EXPECT_FALSE(nudge.Due());
}

TEST(FetchNudge, AFullQueueThatWasEmptiedIsDue) {
  FetchNudge nudge;
  for (int i = 0; i < 600; ++i) nudge.Took("t", i % 40, 1024);
  EXPECT_TRUE(nudge.Due());
}

}  // namespace
}  // namespace tidegate::kafka
