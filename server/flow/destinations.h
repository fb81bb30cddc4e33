// Destinations that a flow hands in instead of the configured ones (attribute endpoint.topics,
// separated by commas): nobody reaches by a header or a body what the API's author did not allow.
//
// Each must match the endpoint's destinationPattern as a whole and be a destination in the grammar
// of its broker. Without a pattern no other destination is taken.
// Thread: any. Owner: EndpointRuntime holds the rule. Fails: InvalidArgument, reason
// INVALID_DESTINATION (400); the text never holds what was handed in.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/api/connector.h"

namespace tidegate::flow {

inline constexpr std::size_t kDestinationsMax = 10;  // each costs a publish, or a part of a reader

class DestinationRule {
 public:
  // `pattern` is RE2 and valid (deployment has checked it); empty: nothing matches.
  explicit DestinationRule(const std::string& pattern);
  DestinationRule(DestinationRule&&) noexcept;
  ~DestinationRule();

  StatusOr<std::vector<std::string>> Read(std::string_view list,
                                          const connectors::Connector& connector,
                                          connectors::Direction direction) const;

 private:
  struct Pattern;
  std::unique_ptr<const Pattern> pattern_;
};

}  // namespace tidegate::flow
