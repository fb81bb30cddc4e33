// The settings of a mock endpoint as a plain struct, defaults applied.
// Thread: immutable. Owner: the connector.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/message.h"
#include "server/base/error_class.h"
#include "server/base/status.h"

namespace google::protobuf {
class Message;
}
namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::mock {

struct MockConfig {
  std::chrono::nanoseconds interval{std::chrono::seconds(1)};
  std::chrono::nanoseconds jitter{0};
  std::string content = "mock message";          // already repeated or cut to payloadSize
  std::optional<std::int64_t> count;             // absolute: ids stay below it
  std::vector<connectors::NamedText> headers;
  std::vector<connectors::NamedText> metadata;
  std::optional<std::int64_t> fail_after;        // messages of a source, publishes of the endpoint
  ErrorClass fail_with = ErrorClass::kConnectionClosed;
};

// `settings` is a tidegate.config.v1.MockEndpoint that passed validation.
// Fails InvalidArgument for another message type, FailedPrecondition for an unresolved secret.
StatusOr<MockConfig> ReadMockConfig(const google::protobuf::Message& settings,
                                    const config::SecretResolver* secrets);

}  // namespace tidegate::mock
