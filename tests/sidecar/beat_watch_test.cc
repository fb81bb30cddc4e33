#include "sidecar/beat_watch.h"

#include <gtest/gtest.h>

namespace tidegate::sidecar {
namespace {

using std::chrono::seconds;

const TimePoint kStart = TimePoint(seconds(1'000'000));

TEST(BeatWatch, a_worker_that_answers_is_not_stuck) {
  BeatWatch watch(1);
  for (int i = 0; i < 60; ++i) {
    const TimePoint now = kStart + seconds(i);
    watch.Sent(0, now, now - seconds(1));
    EXPECT_FALSE(watch.IsStuck(0, now, now - seconds(1)));
  }
}

TEST(BeatWatch, one_that_leaves_beats_unanswered_is_from_the_first_of_them_on) {
  BeatWatch watch(2);
  const TimePoint answered = kStart;
  for (int i = 1; i <= 6; ++i) {
    watch.Sent(0, kStart + seconds(i), kStart + seconds(i));
    watch.Sent(1, kStart + seconds(i), answered);
    EXPECT_FALSE(watch.IsStuck(1, kStart + seconds(i), answered)) << i;
  }
  EXPECT_TRUE(watch.IsStuck(1, kStart + seconds(7), answered));
  EXPECT_FALSE(watch.IsStuck(0, kStart + seconds(7), kStart + seconds(6)));
  EXPECT_FALSE(watch.IsStuck(1, kStart + seconds(8), kStart + seconds(8)));  // it goes on
}

TEST(BeatWatch, without_beats_nobody_owes_an_answer) {
  BeatWatch watch(1);
  EXPECT_FALSE(watch.IsStuck(0, kStart, TimePoint()));  // none was ever sent
  watch.Sent(0, kStart, kStart - seconds(1));
  // Who sends them is busy for a minute; then the next one is on its way.
  EXPECT_FALSE(watch.IsStuck(0, kStart + seconds(60), kStart));
  watch.Sent(0, kStart + seconds(60), kStart);
  EXPECT_FALSE(watch.IsStuck(0, kStart + seconds(60), kStart));
  EXPECT_FALSE(watch.IsStuck(0, kStart + seconds(64), kStart));
  EXPECT_TRUE(watch.IsStuck(0, kStart + seconds(66), kStart));
}

}  // namespace
}  // namespace tidegate::sidecar
