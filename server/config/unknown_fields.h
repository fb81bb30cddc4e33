// Finds fields that this version does not know in a binary message: a newer plan's security must
// not be dropped in silence.
// Thread: pure. Fails: by violations of reason UNKNOWN_FIELD.
#pragma once

#include "server/config/violation.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

void FindUnknownFields(const google::protobuf::Message& message, Violations& violations);

}  // namespace tidegate::config
