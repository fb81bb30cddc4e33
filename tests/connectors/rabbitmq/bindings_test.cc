#include "connectors/rabbitmq/bindings.h"

#include <gtest/gtest.h>

#include "connectors/rabbitmq/limits.h"

namespace tidegate::rabbitmq {
namespace {

Binding Of(std::string key) {
  Binding binding;
  binding.exchange = "x";
  binding.routing_key = std::move(key);
  return binding;
}

TEST(Bindings, WhatIsWantedNoLongerIsGoneUntilItIsUnbound) {
  Bindings bindings;
  const auto first = bindings.NextGeneration();
  const auto second = bindings.NextGeneration();
  EXPECT_GT(second, first);
  EXPECT_TRUE(bindings.Want("q", first, {Of("a"), Of("b")}).gone.empty());
  const std::vector<Binding> gone = {Of("a")};
  EXPECT_EQ(bindings.Want("q", second, {Of("b"), Of("c")}).gone, gone);
  EXPECT_EQ(bindings.Want("q", second, {Of("b"), Of("c")}).gone, gone);  // cut short, once more
  bindings.Unbound("q", Of("a"));
  EXPECT_TRUE(bindings.Want("q", second, {Of("b"), Of("c")}).gone.empty());
  EXPECT_TRUE(bindings.Want("other", second, {Of("z")}).gone.empty());
}

TEST(Bindings, WhatIsWantedAgainStays) {
  Bindings bindings;
  bindings.Want("q", 1, {Of("a")});
  bindings.Want("q", 2, {Of("b")});
  EXPECT_EQ(bindings.Want("q", 3, {Of("a")}).gone, std::vector<Binding>{Of("b")});
}

TEST(Bindings, ArgumentsMakeABindingAnother) {
  Bindings bindings;
  Binding with = Of("a");
  with.arguments.emplace_back("x-match", "all");
  bindings.Want("q", 1, {with});
  EXPECT_EQ(bindings.Want("q", 2, {Of("a")}).gone, std::vector<Binding>{with});
}

TEST(Bindings, OlderSettingsThatStillDrainChangeNothing) {
  Bindings bindings;
  bindings.Want("q", 2, {Of("new")});
  const Bindings::Plan late = bindings.Want("q", 1, {Of("old")});
  EXPECT_FALSE(late.newest);
  EXPECT_TRUE(late.gone.empty());
  const Bindings::Plan again = bindings.Want("q", 2, {Of("new")});
  EXPECT_TRUE(again.newest);
  EXPECT_TRUE(again.gone.empty());
}

TEST(Bindings, TheOldestQueueIsForgottenWhenThereAreTooMany) {
  Bindings bindings;
  bindings.Want("first", 1, {Of("a")});
  bindings.Want("second", 1, {Of("a")});
  for (std::size_t i = 0; i + 2 < kQueuesRemembered; ++i) {
    bindings.Want("q" + std::to_string(i), 1, {Of("a")});
  }
  EXPECT_EQ(bindings.Want("first", 2, {Of("b")}).gone.size(), 1U);
  bindings.Want("one more", 2, {Of("a")});
  EXPECT_TRUE(bindings.Want("second", 2, {Of("b")}).gone.empty());
  EXPECT_EQ(bindings.Want("first", 3, {Of("c")}).gone.size(), 2U);
}

}  // namespace
}  // namespace tidegate::rabbitmq
