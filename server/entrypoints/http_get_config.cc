#include "server/entrypoints/config_duration.h"
#include "server/entrypoints/settings.h"
#include "tidegate/config/v1/entrypoint.pb.h"

namespace tidegate::entrypoints {

StatusOr<HttpGetSettings> ReadHttpGet(const google::protobuf::Message& message) {
  const auto* from = dynamic_cast<const config::v1::HttpGetEntrypoint*>(&message);
  if (from == nullptr) return InvalidArgument("read http-get settings: not an HttpGetEntrypoint");
  HttpGetSettings out;
  if (from->has_messages_limit_count()) {
    out.limit_count = static_cast<std::uint32_t>(from->messages_limit_count());
  }
  if (from->has_messages_limit_duration()) {
    out.limit_duration = ToMilliseconds(from->messages_limit_duration());
  }
  out.headers_in_payload = from->headers_in_payload();
  out.metadata_in_payload = from->metadata_in_payload();
  if (from->has_coalesce_window()) out.coalesce = ToMilliseconds(from->coalesce_window());
  return out;
}

}  // namespace tidegate::entrypoints
