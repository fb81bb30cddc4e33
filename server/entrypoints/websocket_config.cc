#include "server/entrypoints/config_duration.h"
#include "server/entrypoints/settings.h"
#include "tidegate/config/v1/entrypoint.pb.h"

namespace tidegate::entrypoints {
namespace {

// `publisher: {}` is written out, so it is a demand, and on by default.
std::optional<bool> Demand(bool present, const config::v1::Direction& direction) {
  if (!present) return std::nullopt;
  return direction.has_enabled() ? direction.enabled() : true;
}

WebsocketFrames Frames(config::v1::WebsocketFrames frames) {
  switch (frames) {
    case config::v1::WEBSOCKET_FRAMES_TEXT: return WebsocketFrames::kText;
    case config::v1::WEBSOCKET_FRAMES_BINARY: return WebsocketFrames::kBinary;
    default: return WebsocketFrames::kAuto;
  }
}

}  // namespace

StatusOr<WebsocketSettings> ReadWebsocket(const google::protobuf::Message& message) {
  const auto* from = dynamic_cast<const config::v1::WebsocketEntrypoint*>(&message);
  if (from == nullptr) {
    return InvalidArgument("read websocket settings: not a WebsocketEntrypoint");
  }
  WebsocketSettings out;
  out.publisher = Demand(from->has_publisher(), from->publisher());
  out.subscriber = Demand(from->has_subscriber(), from->subscriber());
  out.frames = Frames(from->frames());
  out.sub_protocols.assign(from->sub_protocols().begin(), from->sub_protocols().end());
  if (from->has_ping_interval()) out.ping = ToMilliseconds(from->ping_interval());
  if (from->has_max_frame_size()) {
    out.frame_bytes_max = static_cast<std::uint64_t>(from->max_frame_size());
  }
  if (from->has_max_message_size()) {
    out.message_bytes_max = static_cast<std::uint64_t>(from->max_message_size());
  }
  if (from->has_coalesce_window()) out.coalesce = ToMilliseconds(from->coalesce_window());
  return out;
}

}  // namespace tidegate::entrypoints
