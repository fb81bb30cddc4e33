#include "server/entrypoints/config_duration.h"
#include "server/entrypoints/settings.h"
#include "tidegate/config/v1/entrypoint.pb.h"

namespace tidegate::entrypoints {

StatusOr<SseSettings> ReadSse(const google::protobuf::Message& message) {
  const auto* from = dynamic_cast<const config::v1::SseEntrypoint*>(&message);
  if (from == nullptr) return InvalidArgument("read sse settings: not an SseEntrypoint");
  SseSettings out;
  if (from->has_heartbeat_interval()) out.heartbeat = ToMilliseconds(from->heartbeat_interval());
  out.metadata_as_comment = from->metadata_as_comment();
  out.headers_as_comment = from->headers_as_comment();
  if (from->has_retry()) out.retry = ToMilliseconds(from->retry());
  if (from->has_coalesce_window()) out.coalesce = ToMilliseconds(from->coalesce_window());
  return out;
}

}  // namespace tidegate::entrypoints
