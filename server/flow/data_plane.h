// What admin, sidecar and telemetry may ask of the serving side: the one door from the control
// threads to the workers.
//
// Thread: each method says; none may be called on a worker thread unless it says so.
// Owner: the process. Fails: a failed Assemble or Publish leaves what runs untouched.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/api/connector.h"
#include "server/base/status.h"
#include "server/flow/assemble_problem.h"
#include "server/flow/entrypoint.h"
#include "server/base/limits.h"
#include "server/flow/reader_hub.h"
#include "server/flow/subscriber.h"
#include "server/http/handler.h"
#include "server/model/api.h"
#include "server/model/subscription.h"

namespace tidegate::flow {

class AccessLog;
class Snapshot;  // server/flow/snapshot.h

struct ConnectionInfo {
  std::string id;
  std::string api;
  std::string entrypoint;
  std::string plan;
  std::string subscription;  // short name, empty when keyless
  std::string client;        // address
  std::string endpoint;
  std::int64_t started_unix_ms = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pending_bytes = 0;  // wait for the client
};

struct EndpointHealth {
  std::string api;
  std::string endpoint;
  std::string kind;
  connectors::Health health;
  std::vector<connectors::Lag> lag;
};

struct DataPlaneOptions {
  DataPlaneOptions() = default;
  std::vector<connectors::ConnectorKind> connectors;
  std::vector<EntrypointKind> entrypoints;  // in the order in which they are tried
  const config::SecretResolver* secrets = nullptr;
  std::chrono::milliseconds drain_notice{5000};
  std::chrono::milliseconds request_timeout{30000};
  std::uint64_t body_bytes_max = 1024 * 1024;
  std::size_t consumer_buffer_bytes = kStreamQueueBytes;  // what may wait for one stream
  std::uint32_t streams_per_subscription = 100;
  std::uint32_t streams_per_address = 1000;
  AccessLog* access_log = nullptr;  // server/flow/access_log.h; outlives the data plane
};

class DataPlane {
 public:
  virtual ~DataPlane() = default;

  // What the HTTP servers of all workers call.
  virtual http::Handler& handler() = 0;

  // Builds a snapshot of these APIs (all that are deployed), reusing runtimes and connectors that
  // stay equal. Pure but for the broker libraries' own configuration checks. Control thread.
  // On failure `problems` names all; nothing has changed.
  virtual StatusOr<std::shared_ptr<const Snapshot>> Assemble(
      const std::vector<model::ApiPtr>& apis, std::vector<AssembleProblem>& problems) = 0;
  // Posts the snapshot to every worker and waits until all have confirmed (at most `limit`).
  virtual Status Publish(std::shared_ptr<const Snapshot> snapshot,
                         std::chrono::milliseconds limit) = 0;
  virtual std::uint64_t generation() const = 0;  // of the last published snapshot
  // Looks again at what the references of the deployed endpoints stand for. Endpoints for which
  // that changed (a rotated secret) get new connectors under one new snapshot; their live streams
  // go on over the old ones while these work, whoever comes gets the new. An API that cannot be
  // built with what stands there now keeps what it has; `kept` says why. Returns how many changed.
  // Control thread, never beside Assemble and Publish.
  virtual StatusOr<std::size_t> RefreshSecrets(std::chrono::milliseconds limit,
                                               std::vector<AssembleProblem>& kept) = 0;

  // Replaces all subscriptions of one API (short name); live streams of ones that no longer hold
  // end within a second. Waits until all workers have it (at most `limit`).
  virtual Status PublishSubscriptions(const std::string& api,
                                      std::vector<model::Subscription> subscriptions,
                                      std::chrono::milliseconds limit) = 0;

  virtual std::vector<ConnectionInfo> Connections(std::size_t max) = 0;
  // False: no such connection.
  virtual bool CloseConnection(const std::string& id) = 0;
  virtual std::vector<EndpointHealth> Endpoints() = 0;
  // By stage; fails NotFound when there is no such deployed endpoint.
  virtual StatusOr<std::vector<connectors::TestStage>> TestEndpoint(
      const std::string& api, const std::string& endpoint) = 0;
  virtual ReaderStats readers() const = 0;
  // What waits for consumers, by API; empty when a worker does not answer.
  virtual std::map<std::string, Backlog> Backlogs() = 0;

  // Drain in four steps, called by sidecar/lifecycle: new requests are refused (503, close);
  // streams are told to go (goaway, 1013), which waits for nobody; what is in flight is waited for;
  // readers and connectors are shut by `deadline`.
  virtual void StartDrain() = 0;
  virtual void CancelDrain() = 0;
  virtual bool draining() const = 0;
  virtual void EndStreams() = 0;
  // Returns when no request and no stream is left, or after `limit`: how many are left.
  virtual std::size_t WaitForStreams(std::chrono::milliseconds limit) = 0;
  virtual void Shutdown(TimePoint deadline) = 0;
};

std::unique_ptr<DataPlane> MakeDataPlane(net::WorkerPool& workers, DataPlaneOptions options);

}  // namespace tidegate::flow
