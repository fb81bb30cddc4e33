#include "server/entrypoints/websocket_encoder.h"

#include "server/base/strings.h"
#include "server/http/websocket_frame.h"

namespace tidegate::entrypoints {

WebsocketEncoder::WebsocketEncoder(WebsocketFrames frames) : frames_(frames) {
  switch (frames) {
    case WebsocketFrames::kAuto: key_ = "websocket+auto"; break;
    case WebsocketFrames::kText: key_ = "websocket+text"; break;
    case WebsocketFrames::kBinary: key_ = "websocket+binary"; break;
  }
}

void WebsocketEncoder::Encode(const connectors::Message& message, std::string_view,
                              std::string& out) const {
  const bool text = frames_ != WebsocketFrames::kBinary && IsValidUtf8(message.content);
  if (frames_ == WebsocketFrames::kText && !text) {
    http::AppendWebSocketClose(out, http::kCloseBadData, "A message is not UTF-8");
    return;
  }
  http::AppendWebSocketFrame(out, text ? http::Opcode::kText : http::Opcode::kBinary,
                             message.content);
}

bool WebsocketEncoder::Ends(std::string_view frame) const {
  constexpr auto kLastClose = static_cast<char>(0x80 | static_cast<int>(http::Opcode::kClose));
  return frames_ == WebsocketFrames::kText && frame.front() == kLastClose;
}

}  // namespace tidegate::entrypoints
