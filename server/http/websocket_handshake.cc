#include "server/http/websocket_handshake.h"

#include <openssl/evp.h>

#include <array>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/http/guard.h"

namespace tidegate::http {

namespace {

constexpr std::size_t kSubProtocolsMax = 16;

WebSocketOffer Refuse(int status, std::string_view text) {
  WebSocketOffer offer;
  offer.status = status;
  offer.text = text;
  return offer;
}

std::size_t Count(const RequestHead& head, std::string_view name) {
  std::size_t count = 0;
  for (const HeaderView& header : head.headers) {
    if (EqualsIgnoreCase(header.name, name)) ++count;
  }
  return count;
}

// The authority of an origin without its scheme's default port: "https://a:443" -> "a".
std::string OriginHost(std::string_view origin, std::string_view scheme) {
  const std::string prefix = std::string(scheme) + "://";
  const std::string lower = ToLower(origin);
  if (!StartsWith(lower, prefix)) return std::string();
  return lower.substr(prefix.size());
}

std::string WithPort(std::string host, bool tls) {
  const bool has_port = host.rfind(':') != std::string::npos &&
                        (host.front() != '[' || host.rfind(':') > host.find(']'));
  return has_port ? host : host + (tls ? ":443" : ":80");
}

}  // namespace

WebSocketOffer CheckWebSocketHandshake(const RequestHead& head, bool has_body) {
  if (head.method != "GET") return Refuse(400, "A WebSocket handshake must be a GET");
  if (head.minor_version != 1) return Refuse(400, "A WebSocket handshake needs HTTP/1.1");
  if (has_body) return Refuse(400, "A WebSocket handshake has no body");
  if (!head.upgrade_websocket) {
    return Refuse(400, "A WebSocket handshake needs Connection: upgrade and Upgrade: websocket");
  }
  const auto version = head.Find("sec-websocket-version");
  if (!version || Count(head, "sec-websocket-version") != 1 || *version != "13") {
    return Refuse(426, "Sec-WebSocket-Version must be 13");
  }
  const auto key = head.Find("sec-websocket-key");
  if (!key || Count(head, "sec-websocket-key") != 1) {
    return Refuse(400, "Sec-WebSocket-Key must be given once");
  }
  const auto decoded = Base64Decode(*key);
  if (!decoded || decoded->size() != 16) {
    return Refuse(400, "Sec-WebSocket-Key must be base64 of 16 bytes");
  }
  WebSocketOffer offer;
  const std::string protocols = head.FindAll("sec-websocket-protocol");
  for (const std::string_view item : Split(protocols, ',')) {
    const std::string_view name = Trim(item);
    if (name.empty()) continue;
    if (!IsToken(name)) return Refuse(400, "Sec-WebSocket-Protocol must be a list of tokens");
    if (offer.sub_protocols.size() == kSubProtocolsMax) {
      return Refuse(400, "Sec-WebSocket-Protocol names too many protocols");
    }
    offer.sub_protocols.emplace_back(name);
  }
  offer.accept = WebSocketAccept(*key);
  return offer;
}

std::string ChooseSubProtocol(const WebSocketOffer& offer,
                              const std::vector<std::string>& supported) {
  for (const std::string& ours : supported) {
    for (const std::string& theirs : offer.sub_protocols) {
      if (ours == theirs) return ours;
    }
  }
  return std::string();
}

ResponseHead WebSocketResponse(const WebSocketOffer& offer, const std::string& sub_protocol) {
  ResponseHead head(101);
  head.Add("Upgrade", "websocket");
  head.Add("Sec-WebSocket-Accept", offer.accept);
  if (!sub_protocol.empty()) head.Add("Sec-WebSocket-Protocol", sub_protocol);
  return head;
}

std::string WebSocketAccept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return Base64(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

bool OriginAllowed(const RequestHead& head, bool tls, const std::vector<std::string>& allowed) {
  const auto origin = head.Find("origin");
  if (!origin) return true;
  if (Count(head, "origin") != 1) return false;
  if (!allowed.empty()) {
    for (const std::string& entry : allowed) {
      if (entry == "*" || EqualsIgnoreCase(entry, *origin)) return true;
    }
    return false;
  }
  const std::string host = OriginHost(*origin, tls ? "https" : "http");
  const auto authority = head.Find("host");
  if (host.empty() || !authority || authority->empty()) return false;
  return WithPort(host, tls) == WithPort(ToLower(*authority), tls);
}

}  // namespace tidegate::http
