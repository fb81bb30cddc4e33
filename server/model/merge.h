// Shared settings of an endpoint group, taken over by presence. Inside server/model only.
// Thread: pure. Fails: never.
#pragma once

#include <memory>
#include <string>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf
namespace tidegate::config::v1 {
class Endpoint;
class EndpointGroup;
class EndpointSettings;
}  // namespace tidegate::config::v1

namespace tidegate::model {

// Copies into `over` every field of `base` that `over` does not have: scalars and whole lists by
// presence, messages field by field. An arm of a oneof that `over` has keeps `base`'s out.
void MergeBelow(const google::protobuf::Message& base, google::protobuf::Message* over);

// The arm of an Endpoint or EndpointSettings that is set: "kafka"; empty when none is.
std::string KindOf(const config::v1::Endpoint& endpoint);
std::string KindOf(const config::v1::EndpointSettings& settings);

// The endpoint's settings with the group's shared ones below them; null when it is of no kind.
std::shared_ptr<google::protobuf::Message> EffectiveSettings(
    const config::v1::EndpointGroup& group, const config::v1::Endpoint& endpoint);

// Which directions settings have switched on.
struct Directions {
  bool producer = false;
  bool consumer = false;
};
Directions DirectionsOf(const google::protobuf::Message& settings);

}  // namespace tidegate::model
