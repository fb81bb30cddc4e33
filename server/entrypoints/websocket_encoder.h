// A message as one WebSocket frame, the same bytes for every subscriber (RFC 6455 §5).
// Thread: any, immutable. Owner: the entrypoint. Fails: never; content that must be text and is not
// becomes a close frame 1007, which ends the stream of whoever gets it.
#pragma once

#include <string>
#include <string_view>

#include "server/entrypoints/settings.h"
#include "server/flow/encoder.h"

namespace tidegate::entrypoints {

class WebsocketEncoder final : public flow::Encoder {
 public:
  explicit WebsocketEncoder(WebsocketFrames frames);
  std::string_view key() const override { return key_; }
  bool wants_headers() const override { return false; }
  bool wants_id() const override { return false; }
  void Encode(const connectors::Message& message, std::string_view id,
              std::string& out) const override;
  bool Ends(std::string_view frame) const override;

 private:
  const WebsocketFrames frames_;
  std::string_view key_;
};

}  // namespace tidegate::entrypoints
