#include "server/flow/mediator.h"

#include "server/flow/cors.h"

namespace tidegate::flow {

// What the access log will be told; the head's bytes go when the body is read.
struct Mediator::Logged {
  std::string method;
  std::string path;
  AccessRecord record;
};

// One request while it is judged. `refusal` not OK: it ends there.
struct Mediator::Request {
  Request(http::Exchange& from, WorkerStatePtr at) : exchange(from), state(std::move(at)) {
    state->Enter();
  }
  ~Request() { state->Leave(); }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  http::Exchange& exchange;
  const WorkerStatePtr state;
  RuntimePtr runtime;
  exchange::Context context;
  Status refusal;
  bool preflight = false;      // `head` answers it
  http::ResponseHead head;     // of a preflight or a refusal
  security::Decision decision;
  const EntrypointRuntime* chosen = nullptr;
  std::uint64_t frame_bytes = 0;  // of a stream: what its handler has sent
  std::unique_ptr<Logged> log;    // where an access log is kept
};

// The order of one request. Nothing is decided anywhere else.
//
//  1 admission          draining, requests in flight            503, Connection: close
//  2 route              host first, then the longest path       404, text/plain as Gravitee does
//  3 CORS preflight     before security: it has no credential   200 or 400
//  4 security           plans in order, with their subscription 401
//  5 client identifier  who consumes                            400
//  6 entrypoint         websocket, sse, http-get, http-post     404
//  7 the entrypoint     body, endpoint group, connector         by the error table
//
// (IP and resource filters, rate limits and quotas come between 5 and 6, flows between 6 and 7.)
Task<void> Mediator::Handle(http::Exchange& exchange) {
  Request request(exchange, states_[exchange.worker().index()]);
  if (services_.access_log != nullptr) {
    request.log = std::make_unique<Logged>();
    request.log->method = std::string(exchange.head().method);
    request.log->path = std::string(exchange.head().path);
    request.log->record.context = &request.context;
  }
  Judge(request);
  if (request.preflight || !request.refusal.ok()) {
    co_await Answer(request);
    co_return;
  }
  // Held here, because a re-binding of the call may let the runtime go while they serve.
  const std::shared_ptr<const Entrypoint> entrypoint = request.chosen->entrypoint;
  const EntrypointMetrics& metrics = *request.chosen->metrics;
  Call call(exchange, request.state, std::move(request.runtime), *request.chosen,
            request.context);
  if (request.decision.key != nullptr) call.SetKey(request.decision.key->sha256);
  request.decision = security::Decision();
  co_await entrypoint->Serve(call);
  Served(request, call, metrics);
}

void Mediator::Judge(Request& request) const {
  ReadHead(request.exchange.head(), request.exchange.request_id(), request.context);
  if (!Admit(request) || !FindApi(request)) return;
  const model::Api& api = *request.runtime->api;
  if (api.cors && IsPreflight(request.exchange.head())) {
    request.preflight = AnswerPreflight(*api.cors, request.exchange.head(), request.head);
    if (!request.preflight) {
      request.refusal = WithReason(InvalidArgument(""), "CORS_PREFLIGHT_FAILED");
      request.context.origin.clear();  // the answer names no origin either
    }
    return;
  }
  if (!Authenticate(request) || !Identify(request)) return;
  ChooseEntrypoint(request);
}

bool Mediator::Admit(Request& request) const {
  if (services_.draining.load(std::memory_order_relaxed)) {
    services_.shed.draining->Add();
    request.refusal = exchange::Refuse("DRAINING");
  } else if (request.state->in_flight() > kInFlightPerWorkerMax) {
    services_.shed.in_flight->Add();
    request.refusal = exchange::Refuse("OVERLOADED");
  }
  return request.refusal.ok();
}

bool Mediator::FindApi(Request& request) const {
  const std::shared_ptr<const WorkerSnapshot>& snapshot = request.state->snapshot();
  const http::RequestHead& head = request.exchange.head();
  const ApiRuntime* found =
      snapshot == nullptr ? nullptr : snapshot->snapshot->Route(head.host, head.path);
  if (found == nullptr || found->api->stopped) {
    request.refusal = exchange::Refuse("ROUTE_NOT_FOUND");
    request.context.accepts_json = false;  // Gravitee answers this one as text, always
    return false;
  }
  request.runtime = RuntimePtr(snapshot, found);
  request.context.api = found->api->name;
  return true;
}

bool Mediator::Authenticate(Request& request) const {
  const ApiRuntime& api = *request.runtime;
  const security::Evidence evidence(request.exchange.head(),
                                    request.state->Subscriptions(api.api->name),
                                    std::chrono::system_clock::now(), request.state->keys());
  request.decision = security::SelectPlan(api.authenticators, evidence);
  const security::Decision& decision = request.decision;
  if (!decision.accepted) {
    api.metrics.auth_refused->Add();
    request.refusal = exchange::Refuse(decision.reason);
    if (!api.challenges.empty()) request.head.Add("WWW-Authenticate", api.challenges);
    return false;
  }
  api.auth_allowed[decision.index]->Add();
  request.context.plan = api.authenticators[decision.index]->plan().name;
  if (decision.subscription) {
    request.context.subscription = decision.subscription->name;
    request.context.application = decision.subscription->application;
  }
  return true;
}

bool Mediator::Identify(Request& request) const {
  exchange::Context& context = request.context;
  context.client_address = exchange::ClientAddress(request.exchange.peer());
  const std::string& computed = request.decision.subscription
                                    ? request.decision.subscription->uid
                                    : request.state->AddressIdentifier(context.client_address);
  request.refusal = SetClientIdentifier(request.exchange.head(), computed, context);
  return request.refusal.ok();
}

bool Mediator::ChooseEntrypoint(Request& request) const {
  for (const EntrypointRuntime& entry : request.runtime->entrypoints) {
    if (!entry.entrypoint->Matches(request.exchange.head())) continue;
    request.chosen = &entry;
    return true;
  }
  request.refusal = exchange::Refuse("ENTRYPOINT_NOT_FOUND");
  return false;
}

Task<void> Mediator::Answer(Request& request) const {
  std::string body;
  if (!request.refusal.ok()) {
    const exchange::Answer answer = exchange::AnswerOf(request.refusal);
    if (request.log) request.log->record.key = answer.key;
    body = ErrorAnswerBody(answer, request.context.request_id, request.context.accepts_json,
                           request.head);
    if (request.runtime) DecorateHead(*request.runtime->api, request.context, request.head);
  }
  Status sent = co_await request.exchange.Respond(request.head, body);
  (void)sent;  // the engine has noted it; nobody is left to tell
  Finish(request, request.runtime ? *request.runtime->no_entrypoint : *services_.unrouted,
         Clock::now());
}

void Mediator::Served(Request& request, const Call& call,
                      const EntrypointMetrics& metrics) const {
  const TimePoint ended = Clock::now();
  if (request.exchange.streaming()) {
    request.frame_bytes = call.bytes();
  } else if (call.endpoint_time().count() > 0) {
    call.runtime().metrics.overhead->Observe(ended - request.exchange.started() -
                                             call.endpoint_time());
  }
  // Here, because the record's views are into the call.
  if (request.log) Describe(call, request.log->record);
  Finish(request, metrics, ended);
}

void Mediator::Describe(const Call& call, AccessRecord& record) {
  record.entrypoint = call.kind();
  record.endpoint = call.endpoint();
  record.key = call.failure_key();
  record.end_reason = call.end_reason();
  record.messages = call.messages();
}

void Mediator::Finish(Request& request, const EntrypointMetrics& metrics,
                      TimePoint ended) const {
  const int status = request.exchange.status();
  const std::size_t code_class = static_cast<std::size_t>(status) / 100;
  metrics.requests[code_class < metrics.requests.size() ? code_class : 5]->Add();
  const auto duration = ended - request.exchange.started();
  metrics.duration->Observe(duration);
  metrics.bytes_received->Add(request.exchange.bytes_received());
  metrics.bytes_sent->Add(request.exchange.bytes_sent() + request.frame_bytes);
  if (!request.log) return;
  AccessRecord& record = request.log->record;
  record.method = request.log->method;
  record.path = request.log->path;
  record.status = status;
  record.duration = duration;
  record.request_bytes = request.exchange.bytes_received();
  record.response_bytes = request.exchange.bytes_sent() + request.frame_bytes;
  if (request.context.client_address.empty()) {  // refused before anybody asked who it is
    request.context.client_address = exchange::ClientAddress(request.exchange.peer());
  }
  services_.access_log->Write(record);
}

}  // namespace tidegate::flow
