// The settings of each entrypoint as plain structs, defaults applied, read from its own message of
// tidegate.config.v1 in <kind>_config.cc: the only files here that see generated code.
//
// Thread: pure. Fails: InvalidArgument when the message is of another type.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/base/status.h"

namespace google::protobuf {
class Message;
}

namespace tidegate::entrypoints {

struct HttpGetSettings {
  std::uint32_t limit_count = 500;
  std::chrono::milliseconds limit_duration{5000};
  bool headers_in_payload = false;
  bool metadata_in_payload = false;
  std::optional<std::chrono::milliseconds> coalesce;
};

struct HttpPostSettings {
  bool request_headers_to_message = false;
};

struct SseSettings {
  std::chrono::milliseconds heartbeat{5000};
  bool metadata_as_comment = false;
  bool headers_as_comment = false;
  std::optional<std::chrono::milliseconds> retry;  // absent: random, 1 s to 30 s
  std::optional<std::chrono::milliseconds> coalesce;
};

enum class WebsocketFrames : std::uint8_t { kAuto, kText, kBinary };

struct WebsocketSettings {
  std::optional<bool> publisher;   // absent: follows the endpoint
  std::optional<bool> subscriber;
  WebsocketFrames frames = WebsocketFrames::kAuto;
  std::vector<std::string> sub_protocols;
  std::chrono::milliseconds ping{30000};
  std::uint64_t frame_bytes_max = 64 * 1024;
  std::uint64_t message_bytes_max = 256 * 1024;
  std::optional<std::chrono::milliseconds> coalesce;
};

StatusOr<HttpGetSettings> ReadHttpGet(const google::protobuf::Message& message);
StatusOr<HttpPostSettings> ReadHttpPost(const google::protobuf::Message& message);
StatusOr<SseSettings> ReadSse(const google::protobuf::Message& message);
StatusOr<WebsocketSettings> ReadWebsocket(const google::protobuf::Message& message);

}  // namespace tidegate::entrypoints
