// The broker-side name of a consumer: its group, queue or share (DESIGN §1).
// Thread: pure functions. Fails: never.
#pragma once

#include <string>
#include <string_view>

#include "connectors/api/qos.h"

namespace tidegate::flow {

// `tidegate.<api>.<endpoint>.<client>`, only characters of [A-Za-z0-9._-] and at most
// kBrokerNameBytesMax bytes. A part that had to be changed or cut ends in a hash of the original,
// so two different clients never get the same name. Where a client stands that reads for itself
// (each) is not what its group has done and ends in `.each`: under one name each would set the
// other back or ahead, and Kafka takes no such commit while a group has members.
std::string BrokerName(std::string_view api, std::string_view endpoint, std::string_view client,
                       connectors::Share share);

}  // namespace tidegate::flow
