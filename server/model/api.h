// The configuration as plain structs: what workers serve from. Compiled from tidegate.config.v1 by
// compile.h with all defaults applied; no proto type is visible here.
//
// Thread: immutable after compilation. Owner: shared_ptr<const Api> held by snapshots.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/base/codec.h"

namespace google::protobuf {
class Message;
}

namespace tidegate::model {

using ProtoPtr = std::shared_ptr<const google::protobuf::Message>;

struct Listener {
  std::string host;  // lower case; empty: any host
  std::string path;  // canonical prefix without trailing slash; "" is the root
};

struct Cors {
  std::vector<std::string> allow_origins;  // exact, lower-case scheme and host, or "*"
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  bool allow_credentials = false;
  std::chrono::seconds max_age{-1};  // -1: not sent
};

// Spelt as in the files, but for the proto's UNSPECIFIED.
enum class Qos : std::uint8_t { kNone, kAuto, kAtMostOnce, kAtLeastOnce };
enum class Share : std::uint8_t { kDefault, kEach, kGroup };

struct Entrypoint {
  std::string kind;       // "sse", "websocket", "http-get", "http-post"
  Qos qos = Qos::kAuto;
  Share share = Share::kDefault;
  // websocket (and grpc): nullopt follows what the endpoint has; true is a demand.
  std::optional<bool> publisher;
  std::optional<bool> subscriber;
  ProtoPtr settings;      // the kind's own message, with the defaults of the proto
};

struct Endpoint {
  std::string name;
  std::uint32_t weight = 1;
  bool secondary = false;
  std::string kind;       // "kafka", "mock"
  ProtoPtr settings;      // the kind's own message, merged with the group's shared block
  std::string destination_pattern;  // RE2; what flows may hand in instead; empty: nothing
  bool has_producer = false;
  bool has_consumer = false;
};

enum class LoadBalancer : std::uint8_t {
  kRoundRobin,
  kRandom,
  kWeightedRoundRobin,
  kWeightedRandom,
};

struct EndpointGroup {
  std::string name;
  LoadBalancer load_balancer = LoadBalancer::kRoundRobin;
  std::vector<Endpoint> endpoints;
};

enum class Security : std::uint8_t { kKeyless, kApiKey };
enum class PlanStage : std::uint8_t { kStaging, kPublished, kDeprecated, kClosed };

struct Plan {
  std::string name;       // short
  Security security = Security::kKeyless;
  PlanStage stage = PlanStage::kPublished;
  bool auto_validation = true;
  std::string key_header = "X-Gravitee-Api-Key";  // apiKey: "" when the header is no source
  std::string key_query = "api-key";              // apiKey: "" when the query is no source
  bool forward_key = false;
};

struct Api {
  std::string name;       // short
  std::string uid;
  std::uint64_t revision = 0;
  bool stopped = false;   // desiredState: stopped; deployed, but answers 404 as Gravitee does
  std::vector<Listener> listeners;
  std::optional<Cors> cors;
  std::vector<Entrypoint> entrypoints;
  std::vector<EndpointGroup> groups;
  std::vector<Plan> plans;  // in order of the file; staging and closed ones included
  // Of everything that streams depend on (entrypoints, endpoints, flows), not of description,
  // plans or limits: equal fingerprints let a stream go on under the new revision.
  std::string stream_fingerprint;
};

using ApiPtr = std::shared_ptr<const Api>;

}  // namespace tidegate::model
