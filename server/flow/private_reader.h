// A source of its own for every subscriber (the mock): no sharing, no catch-up; the subscriber's
// demand is the source's.
//
// Thread: the subscriber's worker. Owner: PrivateSeat is the session's; its PrivateReader lives
// until its task has ended. Fails: Attach as OpenSource does; later by OnEnd.
#pragma once

#include <memory>
#include <string>

#include "server/flow/endpoint_traffic.h"
#include "server/flow/event.h"
#include "server/flow/flush_window.h"
#include "server/flow/hub_state.h"
#include "server/flow/lanes.h"
#include "server/flow/subscriber.h"

namespace tidegate::flow {

class PrivateReader final : public std::enable_shared_from_this<PrivateReader>, public Endable {
 public:
  PrivateReader(HubStatePtr hub, connectors::ConnectorPtr connector, const SubscribeSpec& spec,
                Subscriber& subscriber, net::Worker& worker, connectors::SourcePtr source);

  static Task<StatusOr<AttachmentPtr>> Attach(HubStatePtr hub, connectors::ConnectorPtr connector,
                                              SubscribeSpec spec, Subscriber& subscriber,
                                              net::Worker& worker);
  void End(EndReason reason, Status status) override;  // any thread
  const connectors::Connector& connector() const override { return *connector_; }

 private:
  friend class PrivateSeat;
  static Task<void> Run(std::shared_ptr<PrivateReader> self);
  static Task<void> CloseSource(std::shared_ptr<PrivateReader> self);
  Task<Status> ReadAll();
  Task<void> Give(connectors::Message& message);
  void Stop();
  void DoEnd(EndReason reason, const Status& status);

  const HubStatePtr hub_;
  const connectors::ConnectorPtr connector_;
  const connectors::Qos qos_;
  const EndpointTraffic& traffic_;
  net::Worker& worker_;
  Subscriber* subscriber_;  // nullptr: the seat has gone, or OnEnd was called
  connectors::SourcePtr source_;
  bool stopping_ = false;
  Event room_;
  Event closed_;
  std::uint64_t id_;
  LaneTable lanes_;
  LaneCache lane_cache_;
  bool one_counter_ = false;     // positions are `5`, not `topic@partition#5`
  connectors::Position text_;    // of what was read
  Offsets written_;
  std::string scratch_;
  std::string id_scratch_;
  bool waits_ = false;
  FlushWindow window_;
};

class PrivateSeat final : public Attachment {
 public:
  explicit PrivateSeat(std::shared_ptr<PrivateReader> reader) : reader_(std::move(reader)) {}
  ~PrivateSeat() override;

  std::string Id() const override;
  const connectors::Position& position() const override;
  void OnRoom() override;
  void OnWritten(const FramePtr& frame) override;
  bool caught_up() const override { return reader_->waits_; }

 private:
  const std::shared_ptr<PrivateReader> reader_;
  mutable connectors::Position position_;
};

}  // namespace tidegate::flow
