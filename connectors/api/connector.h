// What a connector must offer (DESIGN §5): one per distinct endpoint settings, shared by all
// workers and carried from snapshot to snapshot while the settings stay equal.
//
// Thread: capabilities, health and ids from any; the rest as documented per method.
// Owner: shared_ptr held by ApiRuntime and by open readers. Broker clients are made at first use
// and linger kClientLinger after the last: an unused connector holds no client and no thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/api/source.h"
#include "server/net/worker.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::connectors {

enum class HealthState : std::uint8_t { kIdle, kConnecting, kReady, kDegraded, kFailed };
std::string_view NameOf(HealthState state);

struct Health {
  HealthState state = HealthState::kIdle;
  ErrorClass last_error = ErrorClass::kNone;
  std::string last_error_text;       // redacted
  std::uint64_t reconnects = 0;        // connections made again after one was lost
  std::uint64_t connect_failures = 0;  // attempts that ended without a usable connection
  std::uint64_t dropped = 0;           // messages that a source had to let go (MQTT QoS 0)
  std::uint32_t clients = 0;           // broker clients held now
  std::int64_t since_unix_ms = 0;    // of the state
};

// One step of a connectivity test: dns, tcp, tls, auth, metadata.
struct TestStage {
  std::string stage;
  bool ok = false;
  std::string detail;
};

struct Lag {
  std::string topic;
  std::int64_t messages = 0;
};

// Where consumers of *each* last stood, by broker name, kept at the broker where it can be.
class PositionStore {
 public:
  virtual ~PositionStore() = default;
  // nullopt: nothing remembered. Both have deadlines of their own (5 s).
  virtual Task<StatusOr<std::optional<Position>>> Load(std::string name, net::Worker& worker) = 0;
  virtual Task<Status> Store(std::string name, Position position, net::Worker& worker) = 0;
};

// Where a consumer without a position begins.
enum class Reset : std::uint8_t { kLatest, kEarliest, kNone };

enum class Direction : std::uint8_t { kPublish, kSubscribe };

class Connector {
 public:
  virtual ~Connector() = default;

  virtual std::string_view kind() const = 0;
  virtual const Capabilities& capabilities() const = 0;

  // Worker thread of `worker`, which becomes the source's home.
  virtual Task<StatusOr<SourcePtr>> OpenSource(SourceSpec spec, net::Worker& worker) = 0;
  // The sink for this worker, made at first call. Worker thread. Fails with an ErrorClass.
  virtual StatusOr<Sink*> SinkFor(net::Worker& worker) = 0;
  // The endpoint's reset rule. nullopt: only a source opened with Start::kReset can tell, which
  // costs one source per consumer that comes without a position.
  virtual std::optional<Reset> reset_rule() const { return std::nullopt; }
  // nullptr where positions cannot be remembered.
  virtual PositionStore* positions() { return nullptr; }

  // The id text of a position as consumers see it (base64 where the endpoint says so), and back.
  // ParseId fails InvalidArgument, reason CURSOR_MALFORMED.
  virtual void AppendId(const Position& position, std::string& out) const = 0;
  virtual StatusOr<Position> ParseId(std::string_view id) const = 0;

  // Whether `destination` (a topic, routing key, address, … handed in instead of the configured
  // ones) is one in the broker's grammar that this endpoint could use that way: wildcards only
  // where they may stand, nothing that belongs to the broker itself. The endpoint's allow-pattern
  // has been asked before. Fails InvalidArgument, reason INVALID_DESTINATION, without echoing it.
  // By default no other destination is taken. Any thread.
  virtual Status CheckDestination(std::string_view destination, Direction direction) const;

  virtual Health health() const = 0;
  virtual std::vector<Lag> lag() const { return {}; }
  // Stages in order, ended at the first that fails. Runs on `worker`, at most 10 s.
  virtual Task<std::vector<TestStage>> Test(net::Worker& worker) = 0;

  // Flushes and frees what is held: accepted publishes are waited for until `deadline`.
  virtual Task<void> Drain(TimePoint deadline, net::Worker& worker) = 0;
};

using ConnectorPtr = std::shared_ptr<Connector>;

// What a factory gets beside the settings. References outlive every connector.
struct ConnectorContext {
  std::string api;       // short names, for client ids, logs and metrics
  std::string endpoint;
  const config::SecretResolver* secrets = nullptr;
  net::WorkerPool* workers = nullptr;
};

// Two stages: the factory runs once per settings on the control thread, checks them completely
// (broker configuration accepted by the library) and opens no connection.
// `settings` is the kind's own message of tidegate.config.v1, already merged with shared settings.
using ConnectorFactory = std::function<StatusOr<ConnectorPtr>(
    const google::protobuf::Message& settings, const ConnectorContext& context)>;

// The list of kinds, filled by sidecar/builtin.cc ("kafka" → factory).
struct ConnectorKind {
  std::string kind;
  ConnectorFactory make;
};

}  // namespace tidegate::connectors
