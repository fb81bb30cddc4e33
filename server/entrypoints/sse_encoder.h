// A message as one Server-Sent Event (gravitee-behaviour §2.5; HTML standard, "event stream").
//
// Lines in the order id, event, data…, comments. Payloads are split at every line end, so nothing a
// broker holds can forge a field; what is not UTF-8 goes as base64 with a comment that says so.
// Thread: any, immutable. Owner: the entrypoint. Fails: never.
#pragma once

#include <string>
#include <string_view>

#include "server/flow/encoder.h"
#include "server/http/handler.h"

namespace tidegate::entrypoints {

class SseEncoder final : public flow::Encoder {
 public:
  SseEncoder(bool headers, bool metadata, http::BodyFraming framing);
  std::string_view key() const override { return key_; }
  bool wants_headers() const override { return headers_; }
  bool wants_id() const override { return true; }
  void Encode(const connectors::Message& message, std::string_view id,
              std::string& out) const override;

 private:
  const bool headers_;
  const bool metadata_;
  const http::BodyFraming framing_;
  std::string key_;
};

// One event of the gateway's own, unframed; no id, so that a client's Last-Event-ID stays.
std::string SseEventText(std::string_view name, std::string_view data);

}  // namespace tidegate::entrypoints
