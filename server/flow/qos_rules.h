// Whether an entrypoint and an endpoint can keep a promise together, and who then receives what:
// asked when an API is deployed, never at request time (gravitee-behaviour §2.9, DESIGN §5).
// Thread: pure. Fails: by QosProblem, whose text names both sides.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connectors/api/qos.h"
#include "server/flow/entrypoint.h"
#include "server/model/api.h"

namespace tidegate::flow {

struct QosProblem {
  std::string reason;  // INCOMPATIBLE_QOS, INCOMPATIBLE_QOS_CAPABILITIES, INCOMPATIBLE_SHARE
  std::string text;
};

// One side by name, for texts: "sse", "endpoint 'cluster' (kafka)".
struct QosParties {
  std::string_view entrypoint;
  std::string_view endpoint;
};

// `qos` is what the entrypoint promises; `offer` what the endpoint can.
std::optional<QosProblem> CheckQos(const Needs& needs, connectors::Qos qos,
                                   const connectors::Capabilities& offer,
                                   const QosParties& parties);

// Who receives, by default (DESIGN §5 "Who gets what") or as the entrypoint's `share` says.
connectors::Share DefaultShare(const Needs& needs, connectors::Qos qos,
                               const connectors::Capabilities& offer);
std::optional<QosProblem> CheckShare(model::Share share, connectors::Qos qos,
                                     const connectors::Capabilities& offer,
                                     const QosParties& parties);

connectors::Qos ToConnectorQos(model::Qos qos);

}  // namespace tidegate::flow
