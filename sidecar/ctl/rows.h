// One line of a table for each kind of resource.
#pragma once

#include "sidecar/ctl/output.h"

namespace tidegate::ctl {

Table TableOf(Type type);
void AddRow(const Context& context, Type type, const google::protobuf::Message& message,
            Table& table);

// `live`, `accepted`, …, as words.
std::string StateOfApi(const google::protobuf::Message& api);
// "true", "false: ConnectFailed", or empty when it is not known.
std::string ReadyOfApi(const google::protobuf::Message& api);
// `api-key`, `kafka`: the arm of the oneof that is set, as files write it.
std::string ArmOf(const google::protobuf::Message& message, const std::string& oneof);

}  // namespace tidegate::ctl
