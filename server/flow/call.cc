#include "server/flow/call.h"

#include <algorithm>

#include "server/base/strings.h"
#include "server/base/unix_time.h"
#include "server/flow/broker_name.h"
#include "server/flow/cors.h"
#include "server/http/error_body.h"
#include "server/http/websocket_handshake.h"

namespace tidegate::flow {
namespace {

using connectors::Outcome;
using connectors::PublishResult;
using connectors::Qos;

// Counts what goes to the socket, then passes on.
class MeteredAttachment final : public Attachment {
 public:
  MeteredAttachment(AttachmentPtr inner, const EntrypointMetrics& metrics,
                    telemetry::Counter& bytes)
      : inner_(std::move(inner)), metrics_(metrics), bytes_(bytes) {}
  std::string Id() const override { return inner_->Id(); }
  const connectors::Position& position() const override { return inner_->position(); }
  void OnRoom() override { inner_->OnRoom(); }
  void OnWritten(const FramePtr& frame) override {
    metrics_.delivered->Add();
    bytes_.Add(frame->bytes().size());
    if (frame->timestamp_ms() > 0) {
      const std::int64_t late = std::max<std::int64_t>(0, UnixMs() - frame->timestamp_ms());
      metrics_.latency->Observe(static_cast<double>(late) * 1e-3);
    }
    inner_->OnWritten(frame);
  }
  bool caught_up() const override { return inner_->caught_up(); }

 private:
  AttachmentPtr inner_;
  const EntrypointMetrics& metrics_;
  telemetry::Counter& bytes_;
};

bool Failed(const EndpointRuntime& endpoint) {
  return endpoint.connector->health().state == connectors::HealthState::kFailed;
}

// What a flow has handed in instead of the configured destinations; empty: nothing.
StatusOr<std::vector<std::string>> DestinationsOf(const exchange::Context& context,
                                                  const EndpointRuntime& endpoint,
                                                  connectors::Direction direction) {
  const std::string* list = context.attributes.Find(exchange::kTopicsAttribute);
  if (list == nullptr) return std::vector<std::string>();
  return endpoint.destinations->Read(*list, *endpoint.connector, direction);
}

// The client's trace goes on behind the broker (W3C Trace Context), unless the headers hold it
// already. Empty: nothing to add.
std::vector<connectors::HeaderField> WithTrace(const connectors::OutMessage& message,
                                               const exchange::Context& context) {
  std::vector<connectors::HeaderField> out;
  if (context.traceparent.empty()) return out;
  for (const connectors::HeaderField& header : message.headers) {
    if (EqualsIgnoreCase(header.name, "traceparent")) return {};
    out.push_back(header);
  }
  connectors::HeaderField field;
  field.name = "traceparent";
  field.value = context.traceparent;
  out.push_back(field);
  if (!context.tracestate.empty()) {
    field.name = "tracestate";
    field.value = context.tracestate;
    out.push_back(field);
  }
  return out;
}

// A publish whose outcome is not known yet, however its coroutine ends.
class InFlight {
 public:
  explicit InFlight(telemetry::Gauge& gauge) : gauge_(gauge) { gauge_.Add(1); }
  ~InFlight() { gauge_.Add(-1); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  telemetry::Gauge& gauge_;
};

void CountError(const EndpointRuntime& endpoint, const Status& status) {
  const auto index = static_cast<std::size_t>(ClassOf(status));
  if (index > 0 && index < endpoint.metrics.errors.size()) endpoint.metrics.errors[index]->Add();
}

}  // namespace

Call::Call(http::Exchange& exchange, WorkerStatePtr state, RuntimePtr runtime,
           const EntrypointRuntime& entrypoint, exchange::Context& context)
    : exchange_(exchange),
      state_(std::move(state)),
      runtime_(std::move(runtime)),
      context_(context),
      kind_(entrypoint.entrypoint->kind()),
      qos_(entrypoint.qos),
      share_(entrypoint.share),
      metrics_(*entrypoint.metrics) {}

Call::~Call() {
  if (entered_) state_->services().caps->Leave(SubscriptionKey(), context_.client_address);
}

std::string Call::SubscriptionKey() const {
  return context_.subscription.empty() ? std::string() : context_.api + '/' + context_.subscription;
}

Status Call::EnterStream() {
  const Services& services = state_->services();
  if (!services.caps->Enter(SubscriptionKey(), context_.client_address)) {
    services.shed.streams->Add();
    return exchange::Refuse("TOO_MANY_STREAMS");
  }
  entered_ = true;
  return OkStatus();
}

void Call::Configure(StreamOptions& options) const {
  options.queue_bytes = state_->services().consumer_buffer_bytes;
  options.dropped = DroppedMessages(context_.api, kind_, "slow_consumer");
}

bool Call::IsCredentialHeader(std::string_view name) const {
  if (EqualsIgnoreCase(name, "Authorization") || EqualsIgnoreCase(name, "Cookie") ||
      EqualsIgnoreCase(name, "Proxy-Authorization")) {
    return true;
  }
  for (const security::AuthenticatorPtr& entry : runtime_->authenticators) {
    const model::Plan& plan = entry->plan();
    if (plan.security != model::Security::kApiKey || !EqualsIgnoreCase(name, plan.key_header)) {
      continue;
    }
    // Only the plan that let this request in may say that its key is passed on.
    if (plan.name != context_.plan || !plan.forward_key) return true;
  }
  return false;
}

bool Call::OriginAllowed() const {
  static const std::vector<std::string> kNone;
  const std::optional<model::Cors>& cors = runtime_->api->cors;
  return http::OriginAllowed(exchange_.head(), exchange_.listener().tls,
                             cors ? cors->allow_origins : kNone);
}

const EndpointRuntime* Call::PickPublisher() const {
  const std::size_t index = runtime_->publishers.Pick(
      [this](std::size_t i) { return Failed(runtime_->endpoints[i]); });
  return index == Balancer::kNone ? nullptr : &runtime_->endpoints[index];
}

// Positions belong to one endpoint's brokers: who has one, or will get one, always meets the same.
const EndpointRuntime* Call::PickSubscriber(bool by_position) const {
  const std::size_t index =
      by_position ? runtime_->subscribers.First()
                  : runtime_->subscribers.Pick(
                        [this](std::size_t i) { return Failed(runtime_->endpoints[i]); });
  return index == Balancer::kNone ? nullptr : &runtime_->endpoints[index];
}

Task<PublishResult> Call::Publish(const connectors::OutMessage& message) {
  const RuntimePtr runtime = runtime_;  // a re-binding meanwhile must not free the endpoint
  const EndpointRuntime* endpoint = PickPublisher();
  if (endpoint == nullptr) {
    co_return PublishResult(Outcome::kNo, exchange::Refuse("NO_ENDPOINT_FOUND"));
  }
  live_.endpoint = endpoint->name;
  connectors::OutMessage out = message;
  const std::vector<connectors::HeaderField> headers = WithTrace(message, context_);
  if (!headers.empty()) out.headers = headers;
  if (connectors::SizeOf(out) > endpoint->connector->capabilities().message_bytes_max) {
    DroppedMessages(context_.api, kind_, "too_large")->Add();
    co_return PublishResult(Outcome::kNo, exchange::Refuse("MESSAGE_TOO_LARGE"));
  }
  StatusOr<connectors::Sink*> sink = endpoint->connector->SinkFor(exchange_.worker());
  if (!sink.ok()) {
    CountError(*endpoint, sink.status());
    co_return PublishResult(Outcome::kNo, sink.status());
  }
  const StatusOr<std::vector<std::string>> topics =
      DestinationsOf(context_, *endpoint, connectors::Direction::kPublish);
  if (!topics.ok()) co_return PublishResult(Outcome::kNo, topics.status());
  out.topics = *topics;
  const TimePoint begin = Clock::now();
  const TimePoint limit = begin + state_->services().request_timeout;
  const InFlight in_flight(*endpoint->traffic->publishing);
  PublishResult result = co_await (*sink)->Publish(out, limit);
  endpoint->traffic->published[static_cast<std::size_t>(result.outcome)]->Add();
  const Clock::duration taken = Clock::now() - begin;
  endpoint_time_ += taken;
  endpoint->metrics.publish_duration->Observe(taken);
  if (result.outcome == Outcome::kOk) {
    metrics_.published->Add();
    runtime->metrics.bytes_in->Add(message.content.size());
    ++messages_;
    bytes_ += message.content.size();
  } else {
    CountError(*endpoint, result.status);
  }
  co_return result;
}

StatusOr<SubscribeSpec> Call::MakeSpec(const EndpointRuntime& endpoint) const {
  SubscribeSpec spec;
  spec.qos = qos_;
  spec.share = share_;
  const std::string* group = context_.attributes.Find(exchange::kGroupAttribute);
  spec.broker_name = BrokerName(context_.api, endpoint.name,
                                group != nullptr ? *group : context_.client_identifier, share_);
  TG_ASSIGN_OR_RETURN(spec.topics,
                      DestinationsOf(context_, endpoint, connectors::Direction::kSubscribe));
  spec.api = context_.api;
  spec.endpoint = endpoint.name;
  return spec;
}

Task<StatusOr<AttachmentPtr>> Call::Subscribe(std::optional<std::string> id,
                                              Subscriber& subscriber, bool keep_all) {
  const RuntimePtr runtime = runtime_;
  const bool at = qos_ == Qos::kAtMostOnce || qos_ == Qos::kAtLeastOnce;
  const EndpointRuntime* endpoint = PickSubscriber(at || id.has_value());
  if (endpoint == nullptr) co_return exchange::Refuse("NO_ENDPOINT_FOUND");
  live_.endpoint = endpoint->name;
  StatusOr<SubscribeSpec> made = MakeSpec(*endpoint);
  if (!made.ok()) co_return made.status();
  SubscribeSpec spec = std::move(*made);
  const bool each = share_ != connectors::Share::kGroup;
  if (keep_all && each && qos_ == Qos::kAtMostOnce) spec.qos = Qos::kAtLeastOnce;
  const bool recover = endpoint->connector->capabilities().recover;
  if (id && !id->empty() && at && !recover) {
    co_return MakeError(ErrorClass::kPositionUnavailable,
                        "attach: the endpoint's broker keeps no positions");
  }
  if (id && !id->empty() && recover) {
    StatusOr<connectors::Position> position = endpoint->connector->ParseId(*id);
    if (!position.ok()) co_return position.status();
    // none and auto keep no position for the client: a well-formed one is not used (§2.3).
    if (at) spec.position = std::move(*position);
  }
  StatusOr<AttachmentPtr> seat = co_await state_->services().hub->Attach(
      endpoint->connector, std::move(spec), subscriber, exchange_.worker());
  if (!seat.ok()) {
    CountError(*endpoint, seat.status());
    co_return seat.status();
  }
  co_return AttachmentPtr(std::make_unique<MeteredAttachment>(
      std::move(*seat), metrics_, *runtime->metrics.bytes_out));
}

void Call::Register(StreamControl& control) {
  live_.control = &control;
  live_.runtime = &runtime_;
  live_.context = &context_;
  live_.entrypoint = kind_;
  live_.started_unix_ms = UnixMs();
  live_.started = Clock::now();
  live_.active = state_->ActiveStreams(std::string(kind_), exchange_.listener().name);
  live_.active->Add(1);
  state_->streams().Add(live_);
  if (live_.has_key) state_->WatchExpiry();
  if (entered_ && exchange_.expires() != TimePoint::max()) {
    live_.ExpireAt(exchange_.worker().wheel(), exchange_.expires());
  }
  // What changed while the stream was being opened did not find it in the list.
  if (state_->services().draining) {
    control.Stop(EndReason::kGoaway, exchange::Refuse("DRAINING"));
    return;
  }
  state_->Recheck(live_);
}

void Call::Ended(EndReason reason) {
  end_reason_ = NameOf(reason);
  messages_ += live_.control->messages();
  bytes_ += live_.control->bytes();
  live_.active->Add(-1);
  metrics_.stream_duration->Observe(Clock::now() - live_.started);
  metrics_.ended[static_cast<std::size_t>(reason)]->Add();
  live_.Leave();
}

void Call::Decorate(http::ResponseHead& head) const {
  DecorateHead(*runtime_->api, context_, head);
}

bool Call::RespondAtOnce(http::ResponseHead& head, std::string_view body, Status& result) {
  Decorate(head);
  if (state_->services().draining) head.close = true;
  return exchange_.RespondAtOnce(head, body, result);
}

Task<void> Call::Fail(Status status, Outcome outcome) {
  http::ResponseHead head;
  co_await Fail(std::move(status), outcome, std::move(head));
}

Task<void> Call::Fail(Status status, Outcome outcome, http::ResponseHead head) {
  if (ReasonOf(status) == "CLIENT_GONE") co_return;  // nobody is there to be told
  const exchange::Answer answer = exchange::AnswerOf(status, outcome);
  failure_key_ = std::string(answer.key);
  std::string body = ErrorAnswerBody(answer, context_.request_id, context_.accepts_json, head);
  Decorate(head);
  Status written = co_await exchange_.Respond(head, body);
  (void)written;  // the engine has noted it; nobody is left to tell
}

void DecorateHead(const model::Api& api, const exchange::Context& context,
                  http::ResponseHead& head) {
  constexpr http::FieldName kIdentifier(exchange::kClientIdentifierHeader);
  constexpr http::FieldName kTransaction(exchange::kTransactionIdHeader);
  constexpr http::FieldName kRequest(exchange::kRequestIdHeader);
  if (const std::string_view shown = context.shown_client_identifier(); !shown.empty()) {
    head.Add(kIdentifier, shown);
  }
  head.Add(kTransaction, context.transaction_id());
  head.Add(kRequest, context.request_id);
  if (api.cors && !context.origin.empty()) AddCorsHeaders(*api.cors, context.origin, head);
}

std::string ErrorAnswerBody(const exchange::Answer& answer, std::string_view request_id, bool json,
                            http::ResponseHead& head) {
  head.status = answer.http;
  // 4xx keep the connection; others end it, so that a client tries elsewhere (§8.1).
  if (answer.http >= 500) head.close = true;
  if (answer.retry_later) head.Add("Retry-After", "1");
  if (answer.http == 426) head.Add("Sec-WebSocket-Version", "13");
  const http::ErrorAnswer error(answer.http, answer.key, answer.text, answer.outcome);
  return http::ErrorBody(error, request_id, json, head);
}

}  // namespace tidegate::flow
