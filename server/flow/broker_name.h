// The broker-side name of a consumer: its group, queue or share (DESIGN §1).
// Thread: pure functions. Fails: never.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::flow {

// `tidegate.<api>.<endpoint>.<client>`, only characters of [A-Za-z0-9._-] and at most
// kBrokerNameBytesMax bytes. A part that had to be changed or cut ends in a hash of the original,
// so two different clients never get the same name.
std::string BrokerName(std::string_view api, std::string_view endpoint, std::string_view client);

}  // namespace tidegate::flow
