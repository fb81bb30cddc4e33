// The rules that stand beside the fields, checked over any message by its descriptor: required,
// ranges, lengths, forms, list sizes, doubles, and what is not built yet.
//
// Cross-field rules are in server/model. What only the gateway sets is passed over.
// Thread: pure. Fails: by violations with a path, all at once.
#pragma once

#include <string_view>

#include "server/config/violation.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

void ValidateFields(const google::protobuf::Message& message, Violations& violations);

// Whether a text is a canonical context path: starts with `/`, no empty, `.` or `..` segments, no
// escapes, only characters that need none (RFC 3986 section 3.3); a trailing slash only alone.
bool IsCanonicalPath(std::string_view path);

}  // namespace tidegate::config
