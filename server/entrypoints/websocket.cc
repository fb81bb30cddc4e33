// websocket: frames from the client are published, messages go out as frames.
#include "server/base/strings.h"
#include "server/entrypoints/builtin.h"
#include "server/entrypoints/settings.h"
#include "server/entrypoints/websocket_encoder.h"
#include "server/entrypoints/websocket_session.h"
#include "server/flow/call.h"
#include "server/http/websocket_handshake.h"

namespace tidegate::entrypoints {
namespace {

using connectors::Qos;
using flow::EndReason;

class Websocket final : public flow::Entrypoint {
 public:
  // A direction that is not written out follows what the endpoint has.
  Websocket(WebsocketSettings settings, const flow::EntrypointContext& context)
      : settings_(std::move(settings)),
        publishes_(settings_.publisher.value_or(context.can_publish)),
        subscribes_(settings_.subscriber.value_or(context.can_subscribe)),
        encoder_(std::make_shared<const WebsocketEncoder>(settings_.frames)) {}

  std::string_view kind() const override { return "websocket"; }

  flow::Needs needs() const override {
    flow::Needs needs;
    needs.publish = publishes_;
    needs.subscribe = subscribes_;
    needs.accepts = connectors::QosSet::Of(Qos::kNone, Qos::kAuto);
    needs.auto_needs_auto_ack = true;
    return needs;
  }

  // Whoever asks for the upgrade means this entrypoint: a handshake with the wrong method or
  // version is told so (400), instead of being published as a POST or answered with a page.
  bool Matches(const http::RequestHead& head) const override {
    if (head.upgrade_websocket) return true;
    const std::optional<std::string_view> upgrade = head.Find("Upgrade");
    return upgrade && EqualsIgnoreCase(*upgrade, "websocket");
  }

  Task<void> Serve(flow::Call& call) const override {
    http::Exchange& exchange = call.exchange();
    const http::WebSocketOffer offer =
        http::CheckWebSocketHandshake(exchange.head(), exchange.has_body());
    Status refused = Judge(offer, call);
    if (refused.ok()) refused = call.EnterStream();
    if (!refused.ok()) {
      co_await call.Fail(std::move(refused));
      co_return;
    }
    flow::StreamOptions options;
    options.encoder = encoder_;
    options.coalesce = settings_.coalesce;
    call.Configure(options);
    WebsocketSession session(call, settings_, std::move(options), publishes_);
    flow::AttachmentPtr seat;
    if (subscribes_) {
      std::optional<std::string> no_position;
      StatusOr<flow::AttachmentPtr> attached =
          co_await call.Subscribe(std::move(no_position), session.session());
      if (!attached.ok()) {
        co_await call.Fail(attached.status());
        co_return;
      }
      seat = std::move(*attached);
    }
    http::ResponseHead head =
        http::WebSocketResponse(offer, http::ChooseSubProtocol(offer, settings_.sub_protocols));
    call.Decorate(head);
    Status upgraded = co_await exchange.Upgrade(head);
    if (!upgraded.ok()) co_return;
    std::string leftover(exchange.leftover());
    exchange.DetachHead();
    session.Start(std::move(leftover));
    call.Register(session);
    if (seat) session.session().SetAttachment(seat.get());
    const EndReason reason = co_await session.Run();
    call.Ended(reason);
    session.session().SetAttachment(nullptr);
    seat.reset();
    co_await session.Leave();
  }

 private:
  static Status Judge(const http::WebSocketOffer& offer, const flow::Call& call) {
    if (offer.status == 426) return exchange::Refuse("WEBSOCKET_VERSION");
    if (offer.status != 101) return exchange::Refuse("WEBSOCKET_HANDSHAKE", offer.text);
    if (!call.OriginAllowed()) return exchange::Refuse("ORIGIN_NOT_ALLOWED");
    return OkStatus();
  }

  const WebsocketSettings settings_;
  const bool publishes_;
  const bool subscribes_;
  const std::shared_ptr<const flow::Encoder> encoder_;
};

}  // namespace

StatusOr<EntrypointPtr> MakeWebsocket(const google::protobuf::Message& settings,
                                      const flow::EntrypointContext& context) {
  TG_ASSIGN_OR_RETURN(WebsocketSettings read, ReadWebsocket(settings));
  if (read.publisher == false && read.subscriber == false) {
    return InvalidArgument("websocket: publisher and subscriber are both off");
  }
  return EntrypointPtr(std::make_shared<const Websocket>(std::move(read), context));
}

}  // namespace tidegate::entrypoints
