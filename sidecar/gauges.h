// Metrics that are read off the running parts at scrape.
// Thread: control, at start. Owner: the global registry; the parts outlive the operations listener.
#pragma once

#include "server/flow/data_plane.h"
#include "sidecar/listeners.h"

namespace tidegate::admin {
class Deployer;
}
namespace tidegate::sidecar {

void AddConnectorGauges(flow::DataPlane& plane);  // part of AddRuntimeGauges
void AddRuntimeGauges(flow::DataPlane& plane, const HttpServers& servers);
void AddConfigGauges(const admin::Deployer& deployer);

}  // namespace tidegate::sidecar
