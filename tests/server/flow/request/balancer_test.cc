#include "server/flow/balancer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tidegate::flow {
namespace {

using model::LoadBalancer;

class Balance : public ::testing::Test {
 protected:
  void Set(LoadBalancer rule, std::vector<std::uint32_t> weights,
           std::set<std::size_t> secondary = {}) {
    std::vector<Balancer::Candidate> all;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      Balancer::Candidate candidate;
      candidate.index = i + 10;
      candidate.weight = weights[i];
      candidate.secondary = secondary.count(i) != 0;
      all.push_back(candidate);
    }
    balancer.Set(rule, all);
  }
  std::size_t Next() {
    return balancer.Pick([this](std::size_t index) { return failed.count(index) != 0; });
  }
  std::map<std::size_t, int> Count(int picks) {
    std::map<std::size_t, int> out;
    for (int i = 0; i < picks; ++i) ++out[Next()];
    return out;
  }
  Balancer balancer;
  std::set<std::size_t> failed;
};

TEST_F(Balance, nobody_is_none) {
  EXPECT_EQ(Next(), Balancer::kNone);
  EXPECT_EQ(balancer.First(), Balancer::kNone);
  EXPECT_TRUE(balancer.empty());
}

TEST_F(Balance, round_robin_goes_in_turn) {
  Set(LoadBalancer::kRoundRobin, {1, 1, 1});
  std::vector<std::size_t> seen;
  for (int i = 0; i < 6; ++i) seen.push_back(Next());
  EXPECT_EQ(seen, (std::vector<std::size_t>{10, 11, 12, 10, 11, 12}));
}

TEST_F(Balance, weighted_round_robin_is_exact_and_spread) {
  Set(LoadBalancer::kWeightedRoundRobin, {5, 1, 1});
  std::vector<std::size_t> seen;
  for (int i = 0; i < 7; ++i) seen.push_back(Next());
  EXPECT_EQ(seen, (std::vector<std::size_t>{10, 10, 11, 10, 12, 10, 10}));
  EXPECT_EQ(Count(700)[10], 500);
}

TEST_F(Balance, large_weights_are_scaled_into_the_schedule) {
  Set(LoadBalancer::kWeightedRoundRobin, {1'000'000'007, 1});
  auto counts = Count(8192);
  EXPECT_GT(counts[10], 8000);
  EXPECT_GE(counts[11], 1);
}

TEST_F(Balance, random_reaches_all_and_weighted_random_leans) {
  Set(LoadBalancer::kRandom, {1, 1});
  EXPECT_EQ(Count(500).size(), 2u);
  Set(LoadBalancer::kWeightedRandom, {9, 1});
  auto counts = Count(5000);
  EXPECT_GT(counts[10], counts[11] * 4);
  EXPECT_GT(counts[11], 0);
}

TEST_F(Balance, secondary_serves_only_while_all_primaries_are_out) {
  Set(LoadBalancer::kRoundRobin, {1, 1, 1}, {2});
  EXPECT_EQ(Count(10).count(12), 0u);
  failed = {10};
  EXPECT_EQ(Count(10), (std::map<std::size_t, int>{{11, 10}}));
  failed = {10, 11};
  EXPECT_EQ(Count(10), (std::map<std::size_t, int>{{12, 10}}));
  failed = {10, 11, 12};
  EXPECT_EQ(Count(10).count(12), 0u) << "all out: the primaries are tried";
}

TEST_F(Balance, weight_zero_takes_nothing) {
  Set(LoadBalancer::kRoundRobin, {0, 1});
  EXPECT_EQ(Count(4), (std::map<std::size_t, int>{{11, 4}}));
}

TEST_F(Balance, positions_belong_to_the_first_primary) {
  Set(LoadBalancer::kRoundRobin, {1, 1, 1}, {0});
  EXPECT_EQ(balancer.First(), 11u);
  Set(LoadBalancer::kRoundRobin, {1}, {0});
  EXPECT_EQ(balancer.First(), 10u);
}

}  // namespace
}  // namespace tidegate::flow
