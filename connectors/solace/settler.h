// What acks of one source report to: it brings them to the source's worker, one post for many.
//
// Thread: acks on any. Owner: counted; the source and every ack outstanding.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "connectors/api/ack.h"
#include "server/net/worker.h"

namespace tidegate::solace {

class SourceCore;

class Settler final : public connectors::AckTarget {
 public:
  Settler(std::weak_ptr<SourceCore> core, net::Worker& worker);

  void OnAck(const connectors::AckToken& token) override;
  void OnNack(const connectors::AckToken& token, connectors::NackKind kind) override;
  // Applies what was said so far, without waiting for the post. Home worker.
  void Apply();

 private:
  class Reference;
  using Said = std::pair<connectors::AckToken, std::uint64_t>;
  void Say(const connectors::AckToken& token, std::uint64_t outcome);

  const std::weak_ptr<SourceCore> core_;
  net::Worker& worker_;
  std::mutex mutex_;
  std::vector<Said> said_;  // not applied yet; a post is under way when it is not empty
  std::vector<Said> taken_;
};

}  // namespace tidegate::solace
