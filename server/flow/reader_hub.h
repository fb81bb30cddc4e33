// Gives subscribers their messages: live and catch-up readers of *each*, group readers, private
// sources (DESIGN §5 "Who gets what", "Readers").
//
// One hub per process. Readers are keyed by (connector, destination): connectors are shared by
// equal endpoints across snapshots, so a redeploy that leaves an endpoint as it is moves nobody.
// Thread: Attach on the subscriber's worker; readers live on a home worker and reach subscribers of
// other workers by one post per batch and worker.
// Fails: Attach with an ErrorClass (PositionUnavailable = 410), or ResourceExhausted reason
// BROKER_CLIENTS_EXHAUSTED. Owner: the process (sidecar), outlives all workers' sessions.
#pragma once

#include <cstdint>
#include <memory>

#include "server/flow/subscriber.h"

namespace tidegate::flow {

struct ReaderStats {
  std::uint64_t live_readers = 0;
  std::uint64_t catch_up_readers = 0;
  std::uint64_t group_readers = 0;
  std::uint64_t private_readers = 0;
  std::uint64_t subscribers = 0;
  std::uint64_t buffered_bytes = 0;
  std::uint64_t dropped = 0;
};

class ReaderHub {
 public:
  virtual ~ReaderHub() = default;
  // `subscriber` must live until the attachment is destroyed.
  virtual Task<StatusOr<AttachmentPtr>> Attach(connectors::ConnectorPtr connector,
                                               SubscribeSpec spec, Subscriber& subscriber,
                                               net::Worker& worker) = 0;
  virtual ReaderStats stats() const = 0;  // any thread
  // Ends the readers of one connector: subscribers get OnEnd(kGoaway). Any thread.
  virtual void EndReadersOf(const connectors::Connector& connector) = 0;
  // Ends every reader: subscribers get OnEnd(kGoaway), positions are stored, sources closed.
  virtual Task<void> Shutdown(TimePoint deadline, net::Worker& worker) = 0;
};

std::unique_ptr<ReaderHub> MakeReaderHub(net::WorkerPool& workers);

}  // namespace tidegate::flow
