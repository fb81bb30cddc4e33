#include <gtest/gtest.h>

#include "server/security/authenticator.h"

namespace tidegate::security {
namespace {

using model::PlanStage;
using model::Security;
using model::SubscriptionState;

const model::WallTime kNow = model::WallTime(std::chrono::seconds(1'800'000'000));

model::Plan Plan(std::string name, Security security, PlanStage stage = PlanStage::kPublished) {
  model::Plan plan;
  plan.name = std::move(name);
  plan.security = security;
  plan.stage = stage;
  return plan;
}

model::Subscription Subscription(std::string name, std::string plan, std::string key) {
  model::Subscription out;
  out.name = std::move(name);
  out.plan = std::move(plan);
  out.state = SubscriptionState::kAccepted;
  model::ApiKey stored;
  stored.name = "main";
  stored.sha256 = Sha256(key);
  out.keys.push_back(stored);
  return out;
}

class PlanSelection : public ::testing::Test {
 protected:
  Decision Ask(std::vector<http::HeaderView> headers, std::string_view query = {}) {
    http::RequestHead head;
    head.method = "GET";
    head.headers = std::move(headers);
    head.query = query;
    authenticators = MakeAuthenticators(plans);
    index = SubscriptionIndex::Build(subscriptions, nullptr);
    const Evidence evidence(head, index.get(), kNow, keys);
    return SelectPlan(authenticators, evidence);
  }
  std::string PlanOf(const Decision& decision) {
    return decision.accepted ? authenticators[decision.index]->plan().name
                             : std::string(decision.reason);
  }
  std::string Key(std::string_view key) {
    return PlanOf(Ask({{"X-Gravitee-Api-Key", key}}));
  }

  std::vector<model::Plan> plans;
  std::vector<model::Subscription> subscriptions;
  std::vector<AuthenticatorPtr> authenticators;
  SubscriptionIndexPtr index;
  KeyCache keys;
};

TEST_F(PlanSelection, no_plan_is_unresolvable) {
  EXPECT_EQ(PlanOf(Ask({})), "GATEWAY_PLAN_UNRESOLVABLE");
  plans = {Plan("old", Security::kKeyless, PlanStage::kClosed),
           Plan("new", Security::kKeyless, PlanStage::kStaging)};
  EXPECT_EQ(PlanOf(Ask({})), "GATEWAY_PLAN_UNRESOLVABLE");
}

TEST_F(PlanSelection, keyless_takes_who_shows_nothing) {
  plans = {Plan("open", Security::kKeyless)};
  EXPECT_EQ(PlanOf(Ask({})), "open");
  EXPECT_EQ(Key("whatever"), "open") << "no plan knows keys: the header is only a header";
}

TEST_F(PlanSelection, keys_come_before_keyless_whatever_the_order_of_the_file) {
  plans = {Plan("open", Security::kKeyless), Plan("partners", Security::kApiKey)};
  subscriptions = {Subscription("s", "partners", "k1")};
  EXPECT_EQ(Key("k1"), "partners");
  EXPECT_EQ(PlanOf(Ask({})), "open");
}

TEST_F(PlanSelection, a_bad_credential_never_falls_to_keyless) {
  plans = {Plan("partners", Security::kApiKey), Plan("open", Security::kKeyless)};
  subscriptions = {Subscription("s", "partners", "k1")};
  EXPECT_EQ(Key("bad"), "API_KEY_INVALID");
  EXPECT_EQ(Key(""), "API_KEY_INVALID") << "an empty key is a key";
  EXPECT_EQ(PlanOf(Ask({}, "api-key=bad")), "API_KEY_INVALID");
  EXPECT_EQ(PlanOf(Ask({}, "api-key=%zz")), "API_KEY_INVALID");
  EXPECT_EQ(Key(std::string(1025, 'k')), "API_KEY_INVALID");
}

TEST_F(PlanSelection, missing_and_invalid_are_told_apart) {
  plans = {Plan("partners", Security::kApiKey)};
  subscriptions = {Subscription("s", "partners", "k1")};
  EXPECT_EQ(PlanOf(Ask({})), "API_KEY_MISSING");
  EXPECT_EQ(Key("bad"), "API_KEY_INVALID");
  EXPECT_EQ(Challenges(authenticators, "orders"),
            "ApiKey realm=\"orders\", header=\"X-Gravitee-Api-Key\"");
}

TEST_F(PlanSelection, key_by_query) {
  plans = {Plan("partners", Security::kApiKey)};
  subscriptions = {Subscription("s", "partners", "k 1+")};
  EXPECT_EQ(PlanOf(Ask({}, "x=1&api-key=k%201%2B")), "partners");
  EXPECT_EQ(PlanOf(Ask({}, "api%2Dkey=k%201%2B")), "partners") << "an encoded name is the name";
  EXPECT_EQ(PlanOf(Ask({}, "xapi-key=k")), "API_KEY_MISSING");
}

TEST_F(PlanSelection, two_different_keys_are_refused_equal_ones_are_one) {
  plans = {Plan("partners", Security::kApiKey)};
  subscriptions = {Subscription("s", "partners", "k1")};
  const std::string_view name = "x-gravitee-api-key";
  EXPECT_EQ(PlanOf(Ask({{name, "k1"}}, "api-key=k2")), "API_KEY_INVALID");
  EXPECT_EQ(PlanOf(Ask({{name, "k1"}}, "api-key=k1")), "partners");
  EXPECT_EQ(PlanOf(Ask({{name, "k1"}, {name, "k2"}})), "API_KEY_INVALID");
  EXPECT_EQ(PlanOf(Ask({{name, "k1"}}, "api-key=")), "API_KEY_INVALID");
}

TEST_F(PlanSelection, names_are_the_plans) {
  model::Plan plan = Plan("partners", Security::kApiKey);
  plan.key_header = "X-Key";
  plan.key_query = "";
  plans = {plan};
  subscriptions = {Subscription("s", "partners", "k1")};
  EXPECT_EQ(PlanOf(Ask({{"x-key", "k1"}})), "partners");
  EXPECT_EQ(Key("k1"), "API_KEY_MISSING") << "the default header is refused then";
  EXPECT_EQ(PlanOf(Ask({}, "api-key=k1")), "API_KEY_MISSING");
}

TEST_F(PlanSelection, a_key_of_one_plan_does_not_open_another) {
  plans = {Plan("gold", Security::kApiKey), Plan("silver", Security::kApiKey)};
  subscriptions = {Subscription("a", "silver", "k1")};
  EXPECT_EQ(Key("k1"), "silver");
  subscriptions = {Subscription("a", "bronze", "k1")};
  EXPECT_EQ(Key("k1"), "API_KEY_INVALID");
  subscriptions = {Subscription("a", "silver", "k1"), Subscription("b", "gold", "k1")};
  EXPECT_EQ(Key("k1"), "gold") << "in the order of the file";
}

TEST_F(PlanSelection, deprecated_plans_still_serve_their_subscribers) {
  plans = {Plan("old", Security::kApiKey, PlanStage::kDeprecated)};
  subscriptions = {Subscription("s", "old", "k1")};
  EXPECT_EQ(Key("k1"), "old");
}

TEST_F(PlanSelection, states_and_times_of_subscription_and_key) {
  plans = {Plan("partners", Security::kApiKey)};
  const auto second = std::chrono::seconds(1);
  struct Row {
    const char* name;
    std::function<void(model::Subscription&)> change;
    bool accepted;
  };
  const Row rows[] = {
      {"accepted", [](auto&) {}, true},
      {"pending", [](auto& s) { s.state = SubscriptionState::kPending; }, false},
      {"paused", [](auto& s) { s.state = SubscriptionState::kPaused; }, false},
      {"rejected", [](auto& s) { s.state = SubscriptionState::kRejected; }, false},
      {"closed", [](auto& s) { s.state = SubscriptionState::kClosed; }, false},
      {"starts now", [&](auto& s) { s.start = kNow; }, true},
      {"starts later", [&](auto& s) { s.start = kNow + second; }, false},
      {"ends later", [&](auto& s) { s.end = kNow + second; }, true},
      {"ends now", [&](auto& s) { s.end = kNow; }, false},
      {"key revoked", [](auto& s) { s.keys[0].revoked = true; }, false},
      {"key expires later", [&](auto& s) { s.keys[0].expire = kNow + second; }, true},
      {"key expired", [&](auto& s) { s.keys[0].expire = kNow; }, false},
  };
  for (const Row& row : rows) {
    model::Subscription subscription = Subscription("s", "partners", "k1");
    row.change(subscription);
    subscriptions = {subscription};
    EXPECT_EQ(Key("k1"), row.accepted ? "partners" : "API_KEY_INVALID") << row.name;
  }
}

TEST_F(PlanSelection, second_key_works_while_the_first_is_revoked) {
  plans = {Plan("partners", Security::kApiKey)};
  model::Subscription subscription = Subscription("s", "partners", "k1");
  model::ApiKey second;
  second.name = "next";
  second.sha256 = Sha256("k2");
  subscription.keys.push_back(second);
  subscription.keys[0].revoked = true;
  subscriptions = {subscription};
  EXPECT_EQ(Key("k1"), "API_KEY_INVALID");
  const Decision decision = Ask({{"X-Gravitee-Api-Key", "k2"}});
  ASSERT_TRUE(decision.accepted);
  EXPECT_EQ(decision.key->name, "next");
  EXPECT_EQ(decision.subscription->name, "s");
}

TEST(SubscriptionIndex, shares_what_did_not_change) {
  std::vector<model::Subscription> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(Subscription("s" + std::to_string(i), "p", "key" + std::to_string(i)));
  }
  const auto first = SubscriptionIndex::Build(all, nullptr);
  all[7].state = SubscriptionState::kPaused;
  const auto second = SubscriptionIndex::Build(all, first.get());
  EXPECT_EQ(second->SharedShards(*first), 63u) << "only the shard of the changed one is new";
  EXPECT_EQ(second->FindName("s8"), first->FindName("s8"));
  EXPECT_NE(second->FindName("s7"), first->FindName("s7"));
  EXPECT_EQ(first->FindName("s7")->state, SubscriptionState::kAccepted) << "the old one stands";
  const auto third = SubscriptionIndex::Build({}, second.get());
  EXPECT_EQ(third->size(), 0u);
  EXPECT_FALSE(third->FindKey("p", Sha256("key1"), kNow).subscription);
}

TEST_F(PlanSelection, a_key_that_is_over_in_one_place_holds_in_another) {
  plans = {Plan("partners", Security::kApiKey)};
  subscriptions = {Subscription("a", "partners", "k1"), Subscription("b", "partners", "k1")};
  subscriptions[0].state = SubscriptionState::kClosed;
  EXPECT_EQ(Key("k1"), "partners");
  EXPECT_EQ(Ask({{"X-Gravitee-Api-Key", "k1"}}).subscription->name, "b");
  subscriptions[1].state = SubscriptionState::kClosed;
  EXPECT_EQ(Key("k1"), "API_KEY_INVALID");
  // Revoked under one name, given again under another.
  model::Subscription both = Subscription("c", "partners", "k1");
  both.keys.push_back(both.keys.front());
  for (const std::size_t revoked : {0u, 1u}) {
    both.keys[revoked].revoked = true;
    both.keys[1 - revoked].revoked = false;
    subscriptions = {both};
    EXPECT_EQ(Key("k1"), "partners") << revoked;
  }
}

TEST(KeyCache, gives_the_digest_of_the_key_asked_for) {
  KeyCache cache;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5000; ++i) {
      const std::string key = "key-" + std::to_string(i);
      ASSERT_EQ(cache.Digest(key), Sha256(key));
    }
  }
  EXPECT_EQ(cache.Digest(""), Sha256(""));
  EXPECT_EQ(cache.Digest(std::string(500, 'x')), Sha256(std::string(500, 'x')));
}

}  // namespace
}  // namespace tidegate::security
