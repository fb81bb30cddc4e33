// The opening handshake of RFC 6455 on the server's side: checks a head, chooses a sub-protocol,
// makes the 101 head.
//
//   const WebSocketOffer offer = CheckWebSocketHandshake(exchange.head(), exchange.has_body());
//   if (offer.status != 101) → answer offer.status with offer.text
//                              (426: add Sec-WebSocket-Version: 13)
//   if (!OriginAllowed(...)) → 403
//   exchange.Upgrade(WebSocketResponse(offer, ChooseSubProtocol(offer, api_protocols)));
//
// Thread: pure. Fails: by status and text; nothing of the request is echoed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/handler.h"

namespace tidegate::http {

struct WebSocketOffer {
  int status = 101;
  std::string_view text;                       // why it was refused
  std::string accept;                          // Sec-WebSocket-Accept
  std::vector<std::string> sub_protocols;      // in the client's order
};

WebSocketOffer CheckWebSocketHandshake(const RequestHead& head, bool has_body);

// The first protocol of `supported` that the client offers; empty: none.
std::string ChooseSubProtocol(const WebSocketOffer& offer,
                              const std::vector<std::string>& supported);

ResponseHead WebSocketResponse(const WebSocketOffer& offer, const std::string& sub_protocol);

// Base64 of SHA-1 over key and the GUID of RFC 6455 §4.2.2.
std::string WebSocketAccept(std::string_view key);

// A browser's Origin must be in `allowed` ("*" takes any); when that is empty it must name the same
// host as the request. No Origin: not a browser, allowed.
bool OriginAllowed(const RequestHead& head, bool tls, const std::vector<std::string>& allowed);

}  // namespace tidegate::http
