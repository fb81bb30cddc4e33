// fuzz-deps: tg_http
// WebSocket frames: whole and byte by byte give the same events; limits hold.
#include <cstdlib>
#include <string>
#include <vector>

#include "server/http/websocket_frame.h"

namespace {

using tidegate::http::WebSocketDecoder;
using Event = WebSocketDecoder::Event;

std::vector<std::string> Decode(std::string bytes, std::size_t piece) {
  tidegate::http::WebSocketLimits limits;
  limits.frame_bytes = 200;
  limits.message_bytes = 300;
  WebSocketDecoder decoder(limits);
  std::vector<std::string> events;
  for (std::size_t start = 0; start < bytes.size(); start += piece) {
    const std::size_t end = std::min(bytes.size(), start + piece);
    for (std::size_t at = start;;) {
      const auto step =
          decoder.Feed(std::span<char>(bytes.data() + at, end - at), tidegate::TimePoint());
      at += step.consumed;
      if (step.event == Event::kNeedMore) break;
      if (step.event == Event::kMessage && step.payload.size() > limits.message_bytes) std::abort();
      events.push_back(std::to_string(static_cast<int>(step.event)) + ":" +
                       std::to_string(step.close_code) + ":" + std::string(step.payload));
      if (step.event == Event::kError || step.event == Event::kClose) return events;
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  if (Decode(bytes, size + 1) != Decode(bytes, 1)) std::abort();
  return 0;
}
