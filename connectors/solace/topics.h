// Solace's topic grammar, and how its wildcards are written in MQTT.
//
// A topic has up to 250 bytes of UTF-8 in up to 128 levels, split by '/'. Wildcards stand in
// subscriptions only: '*' at the end of a level matches any rest of that level, '>' as the whole
// last level matches one or more levels. Names that begin with '#' are the broker's own, except
// '#P2P/' addresses, to which answers are sent.
// Thread: pure functions. Fails: by a text that names the rule, never the topic.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::solace {

// What is wrong with `topic` as a destination of messages; empty: nothing.
std::string_view PublishTopicRule(std::string_view topic);
// What is wrong with `topic` as a subscription; empty: nothing.
std::string_view SubscriptionRule(std::string_view topic);
// What is wrong with the name of a queue; empty: nothing.
std::string_view QueueRule(std::string_view name);

// The subscription in MQTT's words ('+' and '#'); nullopt where MQTT has none: a '*' after other
// characters of its level, and '+' or '#' as plain characters.
std::optional<std::string> ToMqttFilter(std::string_view subscription);
// Whether MQTT takes it as a topic to publish to.
bool IsMqttTopic(std::string_view topic);

}  // namespace tidegate::solace
