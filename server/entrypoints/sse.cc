// sse: a stream of events that ends when the source, the plan, the API or the client ends.
#include "server/base/codec.h"
#include "server/entrypoints/builtin.h"
#include "server/entrypoints/client_watch.h"
#include "server/entrypoints/message_text.h"
#include "server/entrypoints/session_control.h"
#include "server/entrypoints/settings.h"
#include "server/entrypoints/sse_encoder.h"
#include "server/flow/call.h"
#include "server/flow/stream_session.h"
#include "server/http/error_body.h"

namespace tidegate::entrypoints {
namespace {

using connectors::Qos;
using flow::EndReason;

constexpr auto kFinishLimit = std::chrono::milliseconds(1000);  // for the last frames of a stream

// What all streams of one framing share: encoder and the frames of our own.
struct Form {
  Form(const SseSettings& settings, http::BodyFraming body_framing)
      : framing(body_framing),
        encoder(std::make_shared<const SseEncoder>(settings.headers_as_comment,
                                                   settings.metadata_as_comment, body_framing)),
        heartbeat(flow::FramePtr::Make(Framed(":\n\n", body_framing))),
        gap(flow::FramePtr::Make(
            Framed(SseEventText("gap", "Messages were dropped"), body_framing))) {}
  http::BodyFraming framing;
  std::shared_ptr<const flow::Encoder> encoder;
  flow::FramePtr heartbeat;
  flow::FramePtr gap;
};

std::string StandardBody(const Status& status, const flow::Call& call) {
  const exchange::Answer answer = exchange::AnswerOf(status);
  const http::ErrorAnswer error(answer.http, answer.key, answer.text, answer.outcome);
  return http::ErrorJson(error, call.context().request_id);
}

// The last event, if the client can still be told anything.
std::string LastEvent(EndReason reason, const Status& status, const flow::Call& call) {
  switch (reason) {
    case EndReason::kGoaway: return SseEventText("goaway", "Stopping, please reconnect");
    case EndReason::kPlanGone:
    case EndReason::kFailed: return SseEventText("error", StandardBody(status, call));
    case EndReason::kCompleted:
    case EndReason::kSlow:
    case EndReason::kClientGone: break;
  }
  return {};
}

class Sse final : public flow::Entrypoint {
 public:
  explicit Sse(const SseSettings& settings)
      : settings_(settings),
        chunked_(settings, http::BodyFraming::kChunked),
        plain_(settings, http::BodyFraming::kUntilClose) {}

  std::string_view kind() const override { return "sse"; }

  flow::Needs needs() const override {
    flow::Needs needs;
    needs.subscribe = true;
    needs.accepts = connectors::QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce,
                                           Qos::kAtLeastOnce);
    needs.auto_needs_auto_ack = true;
    needs.at_needs_recover = true;
    return needs;
  }

  bool Matches(const http::RequestHead& head) const override {
    if (head.method != "GET") return false;
    const std::optional<std::string_view> accept = head.Find("Accept");
    return accept && head.FindAll("Accept").find("text/event-stream") != std::string::npos;
  }

  Task<void> Serve(flow::Call& call) const override {
    http::Exchange& exchange = call.exchange();
    const Form& form = exchange.framing() == http::BodyFraming::kChunked ? chunked_ : plain_;
    std::optional<std::string> last_id;
    if (const auto value = exchange.head().Find("Last-Event-ID")) last_id = std::string(*value);
    flow::StreamOptions options;
    options.encoder = form.encoder;
    options.heartbeat = form.heartbeat;
    options.heartbeat_interval = settings_.heartbeat;
    options.coalesce = settings_.coalesce;
    options.gap = form.gap;
    call.Configure(options);
    flow::StreamSession session(exchange.stream(), call.worker(), std::move(options));
    SessionControl control(session);
    Status entered = call.EnterStream();
    if (!entered.ok()) {
      co_await call.Fail(std::move(entered));
      co_return;
    }
    StatusOr<flow::AttachmentPtr> seat = co_await call.Subscribe(std::move(last_id), session);
    if (!seat.ok()) {
      co_await call.Fail(seat.status());
      co_return;
    }
    Status started = co_await Start(call, form);
    if (!started.ok()) co_return;
    exchange.DetachHead();
    ClientWatch watch(exchange.stream(), call.worker(), control);
    watch.Start();
    call.Register(control);
    session.SetAttachment(seat->get());
    co_await session.Wait();
    const EndReason reason = session.reason();
    std::string last = Tail(reason, session.status(), call, form);
    const TimePoint begin = Clock::now();
    if (reason != EndReason::kClientGone) co_await session.Finish(std::move(last), kFinishLimit);
    const bool stuck = reason == EndReason::kClientGone || reason == EndReason::kSlow ||
                       Clock::now() - begin >= kFinishLimit;
    call.Ended(reason);
    session.SetAttachment(nullptr);
    *seat = nullptr;
    exchange.EndStream(false);
    co_await watch.Stop(stuck);
  }

 private:
  Task<Status> Start(flow::Call& call, const Form& form) const {
    http::ResponseHead head(200);
    head.Add("Content-Type", "text/event-stream;charset=UTF-8");
    head.Add("Cache-Control", "no-cache");
    call.Decorate(head);
    // Random, so that the clients of a gateway that stops do not all come back at once.
    const std::uint64_t retry = settings_.retry
                                    ? static_cast<std::uint64_t>(settings_.retry->count())
                                    : 1000 + RandomUint64() % 29001;
    const std::string preface =
        Framed("retry: " + std::to_string(retry) + "\n\n", form.framing);
    Status status = co_await call.exchange().StartStream(head, preface);
    co_return status;
  }

  static std::string Tail(EndReason reason, const Status& status, const flow::Call& call,
                          const Form& form) {
    std::string out;
    const std::string event = LastEvent(reason, status, call);
    if (!event.empty()) out = Framed(event, form.framing);
    out += LastChunk(form.framing);
    return out;
  }

  const SseSettings settings_;
  const Form chunked_;
  const Form plain_;
};

}  // namespace

StatusOr<EntrypointPtr> MakeSse(const google::protobuf::Message& settings,
                                const flow::EntrypointContext&) {
  TG_ASSIGN_OR_RETURN(const SseSettings read, ReadSse(settings));
  return EntrypointPtr(std::make_shared<const Sse>(read));
}

}  // namespace tidegate::entrypoints
