#include "server/config/fingerprint.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <memory>

#include "server/base/codec.h"
#include "server/config/secrets.h"
#include "server/config/tls_material.h"

namespace tidegate::config {

std::string CanonicalBytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  {
    // Its destructor gives the stream back what was not written.
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string SettingsFingerprint(const google::protobuf::Message& settings,
                                const SecretResolver* secrets) {
  const std::unique_ptr<google::protobuf::Message> copy(settings.New());
  copy->CopyFrom(settings);
  if (secrets != nullptr) {
    Violations ignored;  // whoever uses the settings tells what cannot be resolved
    secrets->Resolve(copy.get(), false, ignored);
  }
  std::string bytes = CanonicalBytes(*copy);
  if (secrets != nullptr) {
    for (const std::string& file : ReferencedFiles(settings)) {
      const auto content = secrets->Bytes(file, kStoreBytesMax);
      if (!content.ok()) continue;  // as it stands: the name is in the message
      const Sha256Digest digest = Sha256(*content);
      bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
    }
  }
  const Sha256Digest digest = Sha256(bytes);
  return Hex(digest.data(), digest.size());
}

}  // namespace tidegate::config
