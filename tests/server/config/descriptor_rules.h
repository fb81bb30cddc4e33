// The rules that every proto of ours keeps (buf's STANDARD and COMMENTS but for what fights the
// AIPs, and our own), as a function over descriptors, so that a test can show it failing.
// Thread: pure. Fails: by texts.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace tidegate::config {

std::vector<std::string> CheckFile(const google::protobuf::FileDescriptor* file);

}  // namespace tidegate::config
