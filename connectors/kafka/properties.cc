#include "connectors/kafka/properties.h"

#include <algorithm>
#include <array>
#include <vector>

#include "server/base/strings.h"

namespace tidegate::kafka {
namespace {

using enum PropertyFor;

constexpr std::array kAllowed = {
    Property{"batch.num.messages", kProducer},
    Property{"batch.size", kProducer},
    Property{"broker.address.family", kBoth},
    Property{"broker.address.ttl", kBoth},
    Property{"client.rack", kConsumer},
    Property{"connections.max.idle.ms", kBoth},
    Property{"fetch.error.backoff.ms", kConsumer},
    Property{"fetch.max.bytes", kConsumer},
    Property{"fetch.message.max.bytes", kConsumer},
    Property{"fetch.min.bytes", kConsumer},
    Property{"fetch.wait.max.ms", kConsumer},
    Property{"heartbeat.interval.ms", kConsumer},
    Property{"isolation.level", kConsumer},
    Property{"message.max.bytes", kBoth},
    Property{"metadata.max.age.ms", kBoth},
    Property{"partition.assignment.strategy", kConsumer},
    Property{"partitioner", kProducer},
    Property{"queue.buffering.max.kbytes", kProducer},
    Property{"queue.buffering.max.messages", kProducer},
    Property{"queued.max.messages.kbytes", kConsumer},
    Property{"queued.min.messages", kConsumer},
    Property{"receive.message.max.bytes", kBoth},
    Property{"reconnect.backoff.max.ms", kBoth},
    Property{"reconnect.backoff.ms", kBoth},
    Property{"request.timeout.ms", kProducer},
    Property{"session.timeout.ms", kConsumer},
    Property{"socket.connection.setup.timeout.ms", kBoth},
    Property{"socket.keepalive.enable", kBoth},
    Property{"socket.receive.buffer.bytes", kBoth},
    Property{"socket.send.buffer.bytes", kBoth},
    Property{"socket.timeout.ms", kBoth},
    Property{"sticky.partitioning.linger.ms", kProducer},
    Property{"topic.metadata.refresh.interval.ms", kBoth},
};

bool IsSecret(std::string_view name) {
  return StartsWith(name, "sasl.") || StartsWith(name, "ssl.") || name == "security.protocol" ||
         name.find("password") != std::string_view::npos;
}

}  // namespace

std::span<const Property> AllowedProperties() { return kAllowed; }

const Property* FindProperty(std::string_view name) {
  const auto it = std::find_if(kAllowed.begin(), kAllowed.end(),
                               [&](const Property& entry) { return entry.name == name; });
  return it == kAllowed.end() ? nullptr : &*it;
}

std::string PropertyRule(std::string_view name) {
  if (FindProperty(name) != nullptr) return "";
  if (IsSecret(name)) return "security is set in the security block, never by properties";
  std::vector<std::string> names;
  for (const Property& entry : kAllowed) names.emplace_back(entry.name);
  const std::string nearest = Nearest(name, names);
  std::string rule = "not a property that may be set";
  if (!nearest.empty()) rule += "; did you mean " + nearest + "?";
  return rule;
}

}  // namespace tidegate::kafka
