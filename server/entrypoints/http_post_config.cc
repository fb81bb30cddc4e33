#include "server/entrypoints/settings.h"
#include "tidegate/config/v1/entrypoint.pb.h"

namespace tidegate::entrypoints {

StatusOr<HttpPostSettings> ReadHttpPost(const google::protobuf::Message& message) {
  const auto* from = dynamic_cast<const config::v1::HttpPostEntrypoint*>(&message);
  if (from == nullptr) return InvalidArgument("read http-post settings: not an HttpPostEntrypoint");
  HttpPostSettings out;
  out.request_headers_to_message = from->request_headers_to_message();
  return out;
}

}  // namespace tidegate::entrypoints
