// Writes a changed resource back, guarded by the etag that it was read with, and deploys an API
// that was deployed before.
#pragma once

#include "sidecar/ctl/context.h"

namespace google::protobuf {
class Message;
}

namespace tidegate::ctl {

// `before` as it was read, `after` as it shall be, whole. Prints what was done.
int Store(Context& context, const Target& target, const google::protobuf::Message& before,
          const google::protobuf::Message& after);

}  // namespace tidegate::ctl
