// What an entrypoint offers (DESIGN §2, seams). One per entrypoint of an API, const, shared by all
// workers; the per-request part lives in the coroutine of Serve.
//
// Thread: any worker. Owner: ApiRuntime. Fails: Serve answers every failure itself through
// call.Fail(…) before the head is sent, in the entrypoint's own form after it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/api/qos.h"
#include "server/base/status.h"
#include "server/base/task.h"
#include "server/http/request_head.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::flow {

class Call;  // server/flow/call.h: one request inside one API

// What an entrypoint needs of the endpoint; compared with Capabilities at deploy time.
struct Needs {
  bool publish = false;
  bool subscribe = false;
  connectors::QosSet accepts;      // levels the entrypoint takes at all
  // Capability each level demands where subscribe is set.
  bool auto_needs_auto_ack = false;
  bool at_needs_recover = false;      // at-most-once and at-least-once need RECOVER
  bool at_needs_manual_ack = false;   // … or MANUAL_ACK (webhook)
  connectors::Qos default_qos = connectors::Qos::kAuto;
};

class Entrypoint {
 public:
  virtual ~Entrypoint() = default;
  virtual std::string_view kind() const = 0;  // "sse", "http-get", …
  virtual Needs needs() const = 0;
  virtual bool Matches(const http::RequestHead& head) const = 0;
  virtual Task<void> Serve(Call& call) const = 0;
};

// From the kind's own message of tidegate.config.v1 and the negotiated facts.
struct EntrypointContext {
  std::string api;
  connectors::Qos qos = connectors::Qos::kAuto;
  bool can_publish = false;    // what the endpoints have (websocket follows them)
  bool can_subscribe = false;
};
using EntrypointFactory = std::function<StatusOr<std::shared_ptr<const Entrypoint>>(
    const google::protobuf::Message& settings, const EntrypointContext& context)>;

// The ordered list of sidecar/builtin.cc: entrypoints of one API are tried in this order.
struct EntrypointKind {
  std::string kind;
  EntrypointFactory make;
};

}  // namespace tidegate::flow
