#include "server/exchange/context.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "server/base/codec.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/exchange/error_map.h"

namespace tidegate::exchange {
namespace {

bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool EndsWith(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

// version-traceid-parentid-flags, all lower-case hex (W3C Trace Context §3.2).
bool IsTraceparent(std::string_view text) {
  if (text.size() < 55 || text.size() > 256) return false;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  return std::all_of(text.begin(), text.begin() + 55, [](char c) {
    return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

// inet_ntop prints through sprintf, which is 2 % of a POST: every request has its address written.
std::string Dotted(const asio::ip::address_v4& address) {
  std::array<char, sizeof("255.255.255.255")> text;
  char* at = text.data();
  for (const unsigned char part : address.to_bytes()) {
    if (at != text.data()) *at++ = '.';
    at = std::to_chars(at, text.data() + text.size(), part).ptr;
  }
  return std::string(text.data(), at);
}

}  // namespace

void Attributes::Set(std::string_view name, std::string_view value) {
  for (Entry& entry : entries_) {
    if (entry.name == name) {
      entry.value = std::string(value);
      return;
    }
  }
  if (entries_.size() >= kAttributesMax) return;
  Entry entry;
  entry.name = std::string(name);
  entry.value = std::string(value);
  entries_.push_back(std::move(entry));
}

const std::string* Attributes::Find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return &entry.value;
  }
  return nullptr;
}

std::string ClientAddress(const net::Peer& peer) {
  const asio::ip::address& address = peer.address;
  if (address.is_v4()) return Dotted(address.to_v4());
  if (address.to_v6().is_v4_mapped()) {
    return Dotted(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()));
  }
  return address.to_string();
}

std::string AddressIdentifier(std::string_view address) {
  const Sha256Digest digest = Sha256(address);
  return Hex(digest.data(), digest.size());
}

Status SetClientIdentifier(const http::RequestHead& head, std::string_view computed,
                           Context& context) {
  std::optional<std::string_view> named = head.Find(kClientIdentifierHeader);
  std::optional<std::string> query;
  if (!named && !head.query.empty()) {
    query = head.Query(kClientIdentifierHeader);
    if (query) named = *query;
  }
  if (!named || named->empty()) {
    context.client_identifier = std::string(computed);
    return OkStatus();
  }
  if (named->size() > kClientIdentifierBytesMax || !IsVisible(*named)) {
    return Refuse("INVALID_CLIENT_IDENTIFIER",
                  "X-Gravitee-Client-Identifier must be at most 128 visible ASCII characters");
  }
  context.client_identifier = std::string(*named);
  if (!EndsWith(*named, computed)) {
    context.named_identifier = std::string(*named);
    context.client_identifier += '-';
    context.client_identifier += computed;
  }
  return OkStatus();
}

void ReadHead(const http::RequestHead& head, std::string_view request_id, Context& context) {
  context.request_id = request_id;
  bool accept_seen = false;
  bool json = false;
  for (const http::HeaderView& header : head.headers) {
    switch (header.name.size()) {
      case 6:
        if (EqualsIgnoreCase(header.name, "Accept")) {
          accept_seen = true;
          json = json || header.value.find("application/json") != std::string_view::npos ||
                 header.value.find("*/*") != std::string_view::npos;
        } else if (EqualsIgnoreCase(header.name, "Origin")) {
          context.origin = std::string(header.value);
        }
        break;
      case 10:
        if (EqualsIgnoreCase(header.name, "tracestate") && header.value.size() <= 512) {
          context.tracestate = std::string(header.value);
        }
        break;
      case 11:
        if (EqualsIgnoreCase(header.name, "traceparent") && IsTraceparent(header.value)) {
          context.traceparent = std::string(header.value);
        }
        break;
      case kTransactionIdHeader.size():
        if (EqualsIgnoreCase(header.name, kTransactionIdHeader) && !header.value.empty() &&
            header.value.size() <= kClientIdentifierBytesMax && IsVisible(header.value)) {
          context.named_transaction_id = std::string(header.value);
        }
        break;
      default:
        break;
    }
  }
  context.accepts_json = accept_seen && json;
}

}  // namespace tidegate::exchange
