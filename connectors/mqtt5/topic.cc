#include "connectors/mqtt5/topic.h"

#include "connectors/mqtt5/wire.h"
#include "server/base/strings.h"

namespace tidegate::mqtt5 {
namespace {

constexpr std::size_t kTopicBytesMax = 65'535 - 256;  // a filter gets `$share/<group>/` before it

std::string_view CommonRule(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text.size() > kTopicBytesMax) return "must be shorter than 64 KiB";
  if (!IsMqttText(text)) return "must be UTF-8 without the character U+0000";
  return {};
}

}  // namespace

std::string_view TopicNameRule(std::string_view topic) {
  const std::string_view common = CommonRule(topic);
  if (!common.empty()) return common;
  if (topic.find_first_of("+#") != std::string_view::npos) {
    return "must not hold the wildcards + and #: a message is published to one topic";
  }
  if (StartsWith(topic, "$share/") || StartsWith(topic, "$queue/") ||
      StartsWith(topic, "$SYS/")) {
    return "must not be one of the broker's own topics";
  }
  return {};
}

std::string_view TopicFilterRule(std::string_view filter) {
  const std::string_view common = CommonRule(filter);
  if (!common.empty()) return common;
  if (StartsWith(filter, "$share/") || StartsWith(filter, "$queue/")) {
    return "must not be a shared subscription: the gateway shares by itself where consumers share";
  }
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const bool begins = i == 0 || filter[i - 1] == '/';
    const bool ends = i + 1 == filter.size();
    if (filter[i] == '#' && !(begins && ends)) {
      return "may hold the wildcard # only as its last level";
    }
    if (filter[i] == '+' && !(begins && (ends || filter[i + 1] == '/'))) {
      return "may hold the wildcard + only as a whole level";
    }
  }
  return {};
}

}  // namespace tidegate::mqtt5
