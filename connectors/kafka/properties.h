// The librdkafka properties that an endpoint may set by name: what tunes, never what authenticates,
// loads code, writes files or undoes a promise of the connector.
// Thread: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tidegate::kafka {

enum class PropertyFor : std::uint8_t { kBoth, kProducer, kConsumer };

struct Property {
  std::string_view name;
  PropertyFor role;
};

std::span<const Property> AllowedProperties();
const Property* FindProperty(std::string_view name);
// Empty: allowed. Else the rule that `name` breaks.
std::string PropertyRule(std::string_view name);

}  // namespace tidegate::kafka
