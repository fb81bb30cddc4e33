// One request inside one API: what an entrypoint uses, and all it uses.
//
// Made by the mediator after security has decided; lives until the answer or stream is over.
// Thread: the connection's worker. Owner: the mediator's frame. Fails: by Status; Fail() writes the
// standard error body and must be called before any other answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connectors/api/sink.h"
#include "server/exchange/context.h"
#include "server/exchange/error_map.h"
#include "server/flow/entrypoint.h"
#include "server/flow/snapshot.h"
#include "server/flow/stream_registry.h"
#include "server/flow/stream_session.h"
#include "server/flow/subscriber.h"
#include "server/flow/worker_state.h"
#include "server/http/handler.h"

namespace tidegate::flow {

class Call {
 public:
  Call(http::Exchange& exchange, WorkerStatePtr state, RuntimePtr runtime,
       const EntrypointRuntime& entrypoint, exchange::Context& context);
  // The key it came with: kept to see whether it still holds while a stream is open.
  void SetKey(const Sha256Digest& sha256) {
    live_.key = sha256;
    live_.has_key = true;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  http::Exchange& exchange() { return exchange_; }
  net::Worker& worker() { return exchange_.worker(); }
  const exchange::Context& context() const { return context_; }
  exchange::Context& mutable_context() { return context_; }
  connectors::Qos qos() const { return qos_; }
  std::uint64_t body_bytes_max() const { return state_->services().body_bytes_max; }
  // Until when an answer must begin.
  TimePoint deadline() const { return exchange_.started() + state_->services().request_timeout; }
  std::chrono::milliseconds drain_notice() const { return state_->services().drain_notice; }
  // The credential's own header and query names: never copied to messages.
  bool IsCredentialHeader(std::string_view name) const;
  // A WebSocket's Origin: among the API's CORS origins, else the same host.
  bool OriginAllowed() const;

  // Sends one message to an endpoint of the group; the views live until it completes.
  Task<connectors::PublishResult> Publish(const connectors::OutMessage& message);

  // Takes a seat for `subscriber` after `id` (the client's position; nullopt: as the QoS says).
  // `keep_all`: nothing may be dropped for it whatever the QoS (a page whose cursor must be true).
  // Fails: CURSOR_MALFORMED, PositionUnavailable, BROKER_CLIENTS_EXHAUSTED or an endpoint's class.
  Task<StatusOr<AttachmentPtr>> Subscribe(std::optional<std::string> id, Subscriber& subscriber,
                                          bool keep_all = false);

  // Before a stream without an end of its own is opened: counts it for its subscription and
  // address. Fails: TOO_MANY_STREAMS.
  Status EnterStream();
  // What the process allows one stream.
  void Configure(StreamOptions& options) const;

  // From now on the call can be ended by plan changes, redeploys, drains and people.
  void Register(StreamControl& control);
  // Once, when a registered stream is over and before its control goes.
  void Ended(EndReason reason);

  // Headers that every answer of an API carries (see DecorateHead).
  void Decorate(http::ResponseHead& head) const;
  // Answers; as Exchange::RespondAtOnce (then SendUnsent, when it is false).
  bool RespondAtOnce(http::ResponseHead& head, std::string_view body, Status& result);
  // The standard error body for `status`; extra headers may be set in `head` beforehand.
  Task<void> Fail(Status status, connectors::Outcome outcome = connectors::Outcome::kNo);
  Task<void> Fail(Status status, connectors::Outcome outcome, http::ResponseHead head);

  const std::string& failure_key() const { return failure_key_; }
  const std::string& endpoint() const { return live_.endpoint; }
  std::string_view end_reason() const { return end_reason_; }
  // Of a stream: what its control said when Ended was called. Of a publish: one message.
  std::uint64_t messages() const { return messages_; }
  std::uint64_t bytes() const { return bytes_; }
  // What endpoints took of it; 0: it asked none.
  Clock::duration endpoint_time() const { return endpoint_time_; }
  std::string_view kind() const { return kind_; }
  const ApiRuntime& runtime() const { return *runtime_; }
  const EntrypointMetrics& metrics() const { return metrics_; }

 private:
  const EndpointRuntime* PickPublisher() const;
  const EndpointRuntime* PickSubscriber(bool by_position) const;
  std::string SubscriptionKey() const;
  StatusOr<SubscribeSpec> MakeSpec(const EndpointRuntime& endpoint) const;

  http::Exchange& exchange_;
  WorkerStatePtr state_;
  RuntimePtr runtime_;
  exchange::Context& context_;  // of the mediator
  const std::string_view kind_;  // a literal of the entrypoint
  const connectors::Qos qos_;
  const connectors::Share share_;
  const EntrypointMetrics& metrics_;  // kept for ever
  std::string failure_key_;
  std::string_view end_reason_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  Clock::duration endpoint_time_{0};
  bool entered_ = false;
  LiveStream live_;
};

// Ids and CORS, on every answer of an API.
void DecorateHead(const model::Api& api, const exchange::Context& context,
                  http::ResponseHead& head);

// Fills status and headers of an error answer and returns its body.
std::string ErrorAnswerBody(const exchange::Answer& answer, std::string_view request_id, bool json,
                            http::ResponseHead& head);

}  // namespace tidegate::flow
