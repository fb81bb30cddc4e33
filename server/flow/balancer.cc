#include "server/flow/balancer.h"

#include <algorithm>
#include <numeric>

#include "server/base/codec.h"
#include "server/base/limits.h"

namespace tidegate::flow {

void Balancer::Set(model::LoadBalancer rule, std::vector<Candidate> candidates) {
  rule_ = rule;
  candidates_ = std::move(candidates);
  const bool weighted = rule == model::LoadBalancer::kWeightedRoundRobin;
  primary_ = MakeRing(candidates_, false, weighted);
  secondary_ = MakeRing(candidates_, true, weighted);
}

Balancer::Ring Balancer::MakeRing(const std::vector<Candidate>& all, bool secondary,
                                  bool weighted) {
  Ring ring;
  std::uint64_t divisor = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].secondary != secondary || all[i].weight == 0) continue;
    ring.members.push_back(i);
    ring.weight_sum += all[i].weight;
    divisor = std::gcd(divisor, std::uint64_t{all[i].weight});
  }
  if (!weighted || ring.members.size() < 2) return ring;
  // Smooth weighted round robin, played once through: a, b, a, c, a … instead of a, a, a, b, c.
  // Weights that would make the schedule longer than the limit are scaled down to it.
  std::uint64_t steps = ring.weight_sum / divisor;
  std::vector<std::int64_t> weights;
  for (std::size_t member : ring.members) {
    std::uint64_t weight = all[member].weight / divisor;
    if (steps > kBalanceScheduleMax) {
      weight = std::max<std::uint64_t>(1, weight * kBalanceScheduleMax / steps);
    }
    weights.push_back(static_cast<std::int64_t>(weight));
  }
  const std::int64_t total = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  std::vector<std::int64_t> credit(weights.size(), 0);
  for (std::int64_t step = 0; step < total; ++step) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      credit[i] += weights[i];
      if (credit[i] > credit[best]) best = i;
    }
    credit[best] -= total;
    ring.schedule.push_back(static_cast<std::uint16_t>(best));
  }
  return ring;
}

std::size_t Balancer::Step(const Ring& ring, std::uint64_t turn) const {
  switch (rule_) {
    case model::LoadBalancer::kRoundRobin: return turn % ring.members.size();
    case model::LoadBalancer::kRandom: return RandomUint64() % ring.members.size();
    case model::LoadBalancer::kWeightedRoundRobin:
      return ring.schedule[turn % ring.schedule.size()];
    case model::LoadBalancer::kWeightedRandom: {
      std::uint64_t ticket = RandomUint64() % ring.weight_sum;
      for (std::size_t i = 0; i < ring.members.size(); ++i) {
        const std::uint32_t weight = candidates_[ring.members[i]].weight;
        if (ticket < weight) return i;
        ticket -= weight;
      }
      return 0;
    }
  }
  return 0;
}

std::size_t Balancer::PickFrom(const Ring& ring,
                               const std::function<bool(std::size_t)>& failed) const {
  if (ring.members.empty()) return kNone;
  const std::size_t count = ring.members.size();
  const std::size_t first =
      count == 1 ? 0 : Step(ring, turn_.fetch_add(1, std::memory_order_relaxed));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = candidates_[ring.members[(first + i) % count]].index;
    if (!failed(index)) return index;
  }
  return kNone;
}

std::size_t Balancer::Pick(const std::function<bool(std::size_t)>& failed) const {
  if (candidates_.size() == 1) return candidates_.front().index;
  std::size_t index = PickFrom(primary_, failed);
  if (index == kNone) index = PickFrom(secondary_, failed);
  if (index == kNone) index = PickFrom(primary_, [](std::size_t) { return false; });
  if (index == kNone) index = PickFrom(secondary_, [](std::size_t) { return false; });
  return index;
}

std::size_t Balancer::First() const {
  for (const Candidate& candidate : candidates_) {
    if (!candidate.secondary) return candidate.index;
  }
  return candidates_.empty() ? kNone : candidates_.front().index;
}

}  // namespace tidegate::flow
