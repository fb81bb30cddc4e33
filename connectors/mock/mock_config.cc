#include "connectors/mock/mock_config.h"

#include "server/config/secrets.h"
#include "tidegate/config/v1/mock.pb.h"

namespace tidegate::mock {
namespace {

namespace v1 = tidegate::config::v1;

std::chrono::nanoseconds ToNanos(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

// The content repeated or cut to `size` bytes.
std::string Sized(const std::string& content, std::size_t size) {
  std::string out;
  out.reserve(size);
  while (!content.empty() && out.size() < size) {
    out.append(content, 0, size - out.size());
  }
  return out;
}

StatusOr<connectors::NamedText> ReadHeader(const v1::Header& header,
                                           const config::SecretResolver* secrets) {
  connectors::NamedText out;
  out.name = header.name();
  out.value = header.value();
  if (header.has_secret()) {
    if (secrets == nullptr) {
      return WithReason(FailedPrecondition("mock header: its secret cannot be read here"),
                        "SECRET_UNRESOLVED");
    }
    TG_ASSIGN_OR_RETURN(out.value, config::ValueOf(header.secret(), *secrets));
  }
  return out;
}

}  // namespace

StatusOr<MockConfig> ReadMockConfig(const google::protobuf::Message& settings,
                                    const config::SecretResolver* secrets) {
  const auto* proto = dynamic_cast<const v1::MockEndpoint*>(&settings);
  if (proto == nullptr) return InvalidArgument("mock endpoint: settings of another kind");
  MockConfig config;
  if (proto->has_message_interval()) config.interval = ToNanos(proto->message_interval());
  if (proto->has_jitter()) config.jitter = ToNanos(proto->jitter());
  if (proto->has_message_content()) config.content = proto->message_content();
  if (proto->has_payload_size()) {
    config.content = Sized(config.content, static_cast<std::size_t>(proto->payload_size()));
  }
  if (proto->has_message_count()) config.count = proto->message_count();
  for (const v1::Header& header : proto->headers()) {
    TG_ASSIGN_OR_RETURN(connectors::NamedText text, ReadHeader(header, secrets));
    config.headers.push_back(std::move(text));
  }
  for (const v1::MetadataEntry& entry : proto->metadata()) {
    connectors::NamedText text;
    text.name = entry.name();
    text.value = entry.value();
    config.metadata.push_back(std::move(text));
  }
  if (proto->has_fail_after()) config.fail_after = proto->fail_after();
  // The proto's enum has the numbers of tidegate::ErrorClass (mock_config_test checks it by name).
  if (proto->has_fail_with()) config.fail_with = static_cast<ErrorClass>(proto->fail_with());
  return config;
}

}  // namespace tidegate::mock
