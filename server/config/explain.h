// What `tidegatectl explain` prints: a type or field with its comment, rules and default, from the
// descriptors that are built into the binary.
// Thread: any. Fails: NOT_FOUND with the nearest names.
#pragma once

#include <string>
#include <string_view>

#include "server/base/status.h"

namespace tidegate::config {

// `path` is a kind and field names: `api`, `api.entrypoints.sse`, `gateway.limits.headerBytes`.
StatusOr<std::string> Explain(std::string_view path);

// The serialized FileDescriptorSet with comments.
std::string_view DescriptorSet();

}  // namespace tidegate::config
