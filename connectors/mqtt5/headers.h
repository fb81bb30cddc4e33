// Properties of a PUBLISH to headers and metadata, and back (gravitee-behaviour §3.4's names).
//
// User properties are UTF-8. A header whose value is not goes as `<name>;base64` with its base64
// and comes back as it was; nothing is lost and nothing refused.
//
// Thread: MetadataCache belongs to one source; the rest is pure. Fails: EncodeProperties by a text
// that names the header and the rule.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/api/message.h"
#include "connectors/mqtt5/packets.h"
#include "connectors/mqtt5/mqtt5_config.h"
#include "server/base/strings.h"

namespace tidegate::mqtt5 {

using Metadata = std::shared_ptr<const std::vector<connectors::NamedText>>;

inline constexpr std::string_view kBinarySuffix = ";base64";

// The headers of a message: views into `properties`, which went through DecodeBinaryHeaders.
void AppendHeaders(std::string_view properties, std::vector<connectors::HeaderField>& out);
// `properties` with what `;base64` names hold decoded; nullopt when there is no such name.
std::optional<std::string> DecodeBinaryHeaders(std::string_view properties);

// The metadata of a message. Messages of one kind differ in few of them, so the lists are shared.
class MetadataCache {
 public:
  Metadata Of(const Publish& packet);

 private:
  std::string key_;
  std::unordered_map<std::string, Metadata, StringHash, std::equal_to<>> known_;
};

// The properties of a message that is published: headers as user properties, Content-Type and what
// the settings say. Empty when fine, else what is wrong.
std::string EncodeProperties(const connectors::OutMessage& message,
                             const Mqtt5Config::Producer& settings, std::string& out);

}  // namespace tidegate::mqtt5
