// What RuntimeService and ConfigService do, without gRPC: one function for each rpc.
// Thread: any that may block for seconds. Owner: none. Fails: by the error catalogue.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "server/admin/call.h"
#include "server/admin/deployer.h"
#include "tidegate/admin/v1/config_service.pb.h"
#include "tidegate/admin/v1/runtime_service.pb.h"

namespace tidegate::admin {

// What the process knows of itself; given by sidecar. Functions are called on gRPC's threads.
struct ListenerView {
  std::string name;
  std::string address;  // with its real port, or unix: and a path
  std::string purpose;  // "http", "admin", "operations"
  bool tls = false;
  std::uint32_t connections = 0;
};
struct ReadinessView {
  std::string check;    // "Workers", "Configuration", …
  bool ok = false;
  std::string reason;   // one CamelCase word
  std::string message;
};
struct ProcessView {
  ProcessView() = default;
  std::string version;
  std::string node;
  std::int64_t start_unix_seconds = 0;
  std::uint32_t workers = 0;
  std::vector<std::string> features;
  std::function<std::vector<ListenerView>()> listeners;
  std::function<std::vector<ReadinessView>()> readiness;
  // The whole drain and its end, as on SIGTERM but without exit. Null: only the data plane refuses
  // new requests.
  std::function<void()> start_drain;
  std::function<void()> cancel_drain;
};

Status ApplyConfig(Deployer& deployer, Call& call, const v1::ApplyConfigRequest& request,
                   v1::ApplyConfigResponse& response);
Status DiffConfig(Deployer& deployer, Call& call, const v1::DiffConfigRequest& request,
                  v1::DiffConfigResponse& response);
Status DumpConfig(Deployer& deployer, Call& call, const v1::DumpConfigRequest& request,
                  v1::DumpConfigResponse& response);

Status GetServerInfo(Deployer& deployer, const ProcessView& process, v1::ServerInfo& response);
Status GetReadiness(Deployer& deployer, const ProcessView& process, v1::Readiness& response);
Status ListEndpointHealth(Deployer& deployer, const v1::ListEndpointHealthRequest& request,
                          v1::ListEndpointHealthResponse& response);
Status ListConnections(Deployer& deployer, const v1::ListConnectionsRequest& request,
                       v1::ListConnectionsResponse& response);
Status CloseConnection(Deployer& deployer, Call& call,
                       const v1::CloseConnectionRequest& request);
Status StartDrain(Deployer& deployer, const ProcessView& process, v1::DrainStatus& response);
Status CancelDrain(Deployer& deployer, const ProcessView& process, v1::DrainStatus& response);
Status ListListeners(const ProcessView& process, v1::ListListenersResponse& response);
Status TestEndpoint(Deployer& deployer, Call& call, const v1::TestEndpointRequest& request,
                    v1::TestEndpointResponse& response);

}  // namespace tidegate::admin
