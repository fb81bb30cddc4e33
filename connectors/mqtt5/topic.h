// The grammar of topics (section 4.7): names that are published to, filters that are subscribed to.
// Thread: pure. Fails: by an empty or a filled text: what is wrong, never the value.
#pragma once

#include <string_view>

namespace tidegate::mqtt5 {

// Empty when `topic` may be published to: 1 to 65535 bytes of UTF-8 without U+0000, no wildcards,
// not below `$share/`, `$queue/` or `$SYS/`.
std::string_view TopicNameRule(std::string_view topic);
// Empty when `filter` may be subscribed to; `$share/…` is refused: the gateway makes those.
std::string_view TopicFilterRule(std::string_view filter);

inline bool IsTopicName(std::string_view topic) { return TopicNameRule(topic).empty(); }
inline bool IsTopicFilter(std::string_view filter) { return TopicFilterRule(filter).empty(); }

}  // namespace tidegate::mqtt5
