// Equal settings have equal bytes: how a connector is carried from one snapshot to the next.
// Thread: pure but for the references that are resolved. Fails: never.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

class SecretResolver;

// The message's bytes with maps in order: equal messages give equal bytes, within one process.
std::string CanonicalBytes(const google::protobuf::Message& message);

// SHA-256, as hex, of the message with its references resolved and the contents of the files that
// it names (null: as it stands), so that a changed secret or key store makes another fingerprint
// and a file that was only touched does not. What cannot be resolved counts as it stands.
std::string SettingsFingerprint(const google::protobuf::Message& settings,
                                const SecretResolver* secrets);

}  // namespace tidegate::config
