// The entrypoints of this folder, for the one list in sidecar/builtin.cc. An API's entrypoints are
// tried in the order of that list: websocket, sse, http-get, http-post (DESIGN §6).
//
// Each factory takes the kind's own message of tidegate.config.v1.
// Thread: control. Fails: InvalidArgument naming the setting.
#pragma once

#include <memory>

#include "server/flow/entrypoint.h"

namespace tidegate::entrypoints {

using EntrypointPtr = std::shared_ptr<const flow::Entrypoint>;

StatusOr<EntrypointPtr> MakeWebsocket(const google::protobuf::Message& settings,
                                      const flow::EntrypointContext& context);
StatusOr<EntrypointPtr> MakeSse(const google::protobuf::Message& settings,
                                const flow::EntrypointContext& context);
StatusOr<EntrypointPtr> MakeHttpGet(const google::protobuf::Message& settings,
                                    const flow::EntrypointContext& context);
StatusOr<EntrypointPtr> MakeHttpPost(const google::protobuf::Message& settings,
                                     const flow::EntrypointContext& context);

}  // namespace tidegate::entrypoints
