// Where acks of a source come in, from any thread; its worker is woken once for many.
//
// Thread: OnAck, OnNack from any; the rest on the source's worker. Owner: counted (AckTarget): the
// source and every ack that is still out. Acks that come after Detach are dropped.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "connectors/api/ack.h"
#include "server/net/worker.h"

namespace tidegate::mqtt5 {

enum class Settlement : std::uint8_t { kDone, kRetry, kReject };

struct SettledAck {
  connectors::AckToken token;
  Settlement settlement = Settlement::kDone;
};

class AckInbox final : public connectors::AckTarget {
 public:
  using Take = std::function<void(const std::vector<SettledAck>&)>;
  AckInbox(net::Worker& worker, Take take) : worker_(worker), take_(std::move(take)) {}

  void OnAck(const connectors::AckToken& token) override { Add(token, Settlement::kDone); }
  void OnNack(const connectors::AckToken& token, connectors::NackKind kind) override {
    Add(token, kind == connectors::NackKind::kRetry ? Settlement::kRetry : Settlement::kReject);
  }
  void Drain();  // at once, what has come so far
  void Detach() { take_ = nullptr; }

 private:
  ~AckInbox() override = default;
  void Add(const connectors::AckToken& token, Settlement settlement);

  net::Worker& worker_;
  Take take_;
  std::mutex mutex_;  // consumers of other workers settle; the section is a push
  std::vector<SettledAck> waiting_;
  std::vector<SettledAck> taken_;
  bool posted_ = false;
};

}  // namespace tidegate::mqtt5
