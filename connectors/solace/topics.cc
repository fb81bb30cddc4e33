#include "connectors/solace/topics.h"

#include <algorithm>
#include <vector>

#include "connectors/solace/limits.h"
#include "server/base/strings.h"

namespace tidegate::solace {
namespace {

constexpr std::string_view kP2p = "#P2P/";

// What topics and subscriptions have in common.
std::string_view CommonRule(std::string_view topic) {
  if (topic.empty()) return "a topic is not empty";
  if (topic.size() > kTopicBytesMax) return "a topic has at most 250 bytes";
  if (!IsValidUtf8(topic)) return "a topic is UTF-8";
  const bool control = std::any_of(topic.begin(), topic.end(), [](unsigned char c) {
    return c < 0x20 || c == 0x7F;
  });
  if (control) return "a topic has no control characters";
  const auto levels = static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/')) + 1;
  if (levels > kTopicLevelsMax) return "a topic has at most 128 levels";
  if (topic.find("://") != std::string_view::npos) return "a topic is written without a prefix";
  return {};
}

}  // namespace

std::string_view PublishTopicRule(std::string_view topic) {
  if (const std::string_view rule = CommonRule(topic); !rule.empty()) return rule;
  if (topic.front() == '#' && !StartsWith(topic, kP2p)) {
    return "topics that begin with '#' belong to the broker";
  }
  for (const std::string_view level : Split(topic, '/')) {
    if (level == ">" || (!level.empty() && level.back() == '*')) {
      return "wildcards ('*' and '>') are for subscriptions only";
    }
  }
  return {};
}

std::string_view SubscriptionRule(std::string_view topic) {
  if (const std::string_view rule = CommonRule(topic); !rule.empty()) return rule;
  if (topic.front() == '#' && !StartsWith(topic, kP2p)) {
    return "topics that begin with '#' belong to the broker";
  }
  if (topic.front() == '!') return "exceptions ('!') are not subscribed to over AMQP or MQTT";
  const std::vector<std::string_view> levels = Split(topic, '/');
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i] == ">" && i + 1 != levels.size()) return "'>' stands only as the last level";
    const std::size_t star = levels[i].find('*');
    if (star != std::string_view::npos && star + 1 != levels[i].size()) {
      return "'*' stands only at the end of a level";
    }
  }
  return {};
}

std::string_view QueueRule(std::string_view name) {
  if (name.empty() || name.size() > kEndpointNameBytesMax) return "a queue name has 1 to 200 bytes";
  if (!IsValidUtf8(name)) return "a queue name is UTF-8";
  const bool bad = std::any_of(name.begin(), name.end(), [](unsigned char c) {
    return c < 0x20 || c == 0x7F || std::string_view("'<>*?&;").find(static_cast<char>(c)) !=
                                        std::string_view::npos;
  });
  if (bad) return "a queue name has no control characters and none of ' < > * ? & ;";
  if (name.find("://") != std::string_view::npos) return "a queue name is written without a prefix";
  return {};
}

std::optional<std::string> ToMqttFilter(std::string_view subscription) {
  std::string filter;
  bool first = true;
  for (const std::string_view level : Split(subscription, '/')) {
    if (!first) filter += '/';
    first = false;
    if (level == "*") {
      filter += '+';
    } else if (level == ">") {
      filter += '#';
    } else if (level.find_first_of("*+#") != std::string_view::npos) {
      return std::nullopt;
    } else {
      filter += level;
    }
  }
  return filter;
}

bool IsMqttTopic(std::string_view topic) {
  return topic.find_first_of("+#") == std::string_view::npos;
}

}  // namespace tidegate::solace
