// Which endpoint of a group takes the next message or consumer.
//
// Secondary endpoints are used only while every primary one has failed its health. Immutable but
// for one counter; a group with one endpoint costs nothing.
// Thread: any worker. Owner: ApiRuntime. Fails: Pick by nullptr when there is no candidate.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "server/model/api.h"

namespace tidegate::flow {

class Balancer {
 public:
  struct Candidate {
    std::size_t index = 0;  // of the endpoint, in whatever list the caller has
    std::uint32_t weight = 1;
    bool secondary = false;
  };

  Balancer() = default;
  void Set(model::LoadBalancer rule, std::vector<Candidate> candidates);

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // `failed(index)` says whether an endpoint is out. When all are out the rule goes on over the
  // primaries: a request that fails says more than a refusal.
  std::size_t Pick(const std::function<bool(std::size_t)>& failed) const;
  // The first that is not secondary (else the first): where positions belong to.
  std::size_t First() const;
  bool empty() const { return candidates_.empty(); }

 private:
  struct Ring {
    std::vector<std::size_t> members;   // positions in candidates_
    std::vector<std::uint16_t> schedule;  // weighted round robin, smooth; into members
    std::uint64_t weight_sum = 0;
  };
  static Ring MakeRing(const std::vector<Candidate>& all, bool secondary, bool weighted);
  std::size_t PickFrom(const Ring& ring, const std::function<bool(std::size_t)>& failed) const;
  std::size_t Step(const Ring& ring, std::uint64_t turn) const;

  model::LoadBalancer rule_ = model::LoadBalancer::kRoundRobin;
  std::vector<Candidate> candidates_;
  Ring primary_;
  Ring secondary_;
  mutable std::atomic<std::uint64_t> turn_{0};
};

}  // namespace tidegate::flow
