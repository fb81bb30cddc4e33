// Secrets in messages: hidden on the way out, kept on the way back in.
// Thread: pure functions on the caller's message. Fails: never.
#pragma once

#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

// The first 8 hexadecimal digits of the value's SHA-256.
std::string Fingerprint(std::string_view secret);

// Replaces the text of every secret, at any depth, by `set` and a fingerprint. References stay.
// Other fields marked sensitive are cleared.
void Redact(google::protobuf::Message* message);

// Gives secrets that say only `set` the value that `stored` holds at the same path; list items are
// matched by the key of their list, else by position. Returns false when one has no counterpart
// or another fingerprint; its path is then in `path`.
bool RestoreSecrets(const google::protobuf::Message& stored, google::protobuf::Message* message,
                    std::string* path);

// Clears every field that only the gateway sets, at any depth.
void ClearOutputOnly(google::protobuf::Message* message);

}  // namespace tidegate::config
