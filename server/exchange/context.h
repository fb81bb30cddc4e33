// What one request knows about itself, from security on: who asks for what, under which ids.
//
// Thread: the connection's worker. Owner: the mediator's frame, for the life of the request or
// stream. What is needed of the head is copied: its bytes go when the body is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"
#include "server/http/request_head.h"
#include "server/net/byte_stream.h"

namespace tidegate::exchange {

inline constexpr std::string_view kClientIdentifierHeader = "X-Gravitee-Client-Identifier";
inline constexpr std::string_view kTransactionIdHeader = "X-Gravitee-Transaction-Id";
inline constexpr std::string_view kRequestIdHeader = "X-Gravitee-Request-Id";

// Names that steps of a flow may set to steer the endpoint; Find is what endpoints ask.
class Attributes {
 public:
  void Set(std::string_view name, std::string_view value);
  const std::string* Find(std::string_view name) const;

 private:
  struct Entry {
    std::string name;
    std::string value;
  };
  std::vector<Entry> entries_;  // few: searched in order; at most kAttributesMax
};

// The two overrides that flow honours today (DESIGN §5; set by steps of a later issue).
inline constexpr std::string_view kTopicsAttribute = "endpoint.topics";  // separated by comma
inline constexpr std::string_view kGroupAttribute = "endpoint.group";

struct Context {
  Context() = default;
  std::string api;
  std::string plan;
  std::string application;
  std::string subscription;      // short name, empty when keyless
  std::string client_identifier;     // what brokers see
  std::string named_identifier;      // what the client called itself, when that is not the same
  std::string_view request_id;       // of the exchange, which outlives this
  std::string named_transaction_id;  // the client's own; empty: it sent none
  std::string traceparent;       // passed on, empty when the client sent none
  std::string tracestate;
  std::string client_address;
  std::string origin;            // for CORS answers
  bool accepts_json = true;      // for error bodies
  Attributes attributes;

  // What answers carry: the client's own words, else what was made for it.
  std::string_view shown_client_identifier() const {
    return named_identifier.empty() ? client_identifier : named_identifier;
  }
  std::string_view transaction_id() const {
    return named_transaction_id.empty() ? request_id : named_transaction_id;
  }
};

// The client's address as text; IPv4-mapped addresses as IPv4.
std::string ClientAddress(const net::Peer& peer);
// SHA-256 of the address, hex: the identifier of a keyless client (gravitee-behaviour §4.6).
std::string AddressIdentifier(std::string_view address);

// Fills client_identifier and the named one. `computed` is the subscription's uid or the address's
// identifier; the client may name a part of itself, but never another's group.
// Fails: reason INVALID_CLIENT_IDENTIFIER when what it names is longer than 128 bytes or has bytes
// that no header can carry.
Status SetClientIdentifier(const http::RequestHead& head, std::string_view computed,
                           Context& context);

// Reads ids, tracing and negotiation from the head; never fails, ignores what is malformed.
// `request_id` must outlive the context.
void ReadHead(const http::RequestHead& head, std::string_view request_id, Context& context);

}  // namespace tidegate::exchange
