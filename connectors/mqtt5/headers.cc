#include "connectors/mqtt5/headers.h"

#include "connectors/mqtt5/limits.h"
#include "connectors/mqtt5/properties.h"
#include "server/base/codec.h"

namespace tidegate::mqtt5 {
namespace {

using connectors::HeaderField;
using connectors::NamedText;

constexpr std::size_t kTextMax = 65'535;
constexpr std::size_t kCorrelationBytesMax = 1024;

bool IsBinaryName(std::string_view name) {
  return name.size() > kBinarySuffix.size() && name.ends_with(kBinarySuffix);
}

void Put(std::vector<NamedText>& out, const char* name, std::string value) {
  NamedText text;
  text.name = name;
  text.value = std::move(value);
  out.push_back(std::move(text));
}

std::vector<NamedText> MakeMetadata(const Publish& packet) {
  std::vector<NamedText> out;
  std::string expiry = "-1";
  std::string subscriptions;
  std::vector<NamedText> texts;
  PropertyReader properties(packet.properties, true);
  PropertyValue value;
  while (properties.Next(value)) {
    switch (value.id) {
      case Property::kMessageExpiry: expiry = std::to_string(value.number); break;
      case Property::kContentType: Put(texts, "contentType", std::string(value.text)); break;
      case Property::kResponseTopic: Put(texts, "responseTopic", std::string(value.text)); break;
      case Property::kCorrelationData: Put(texts, "correlationData", Base64(value.text)); break;
      case Property::kPayloadFormat:
        Put(texts, "payloadFormat", value.number == 1 ? "utf-8" : "unspecified");
        break;
      case Property::kSubscriptionId:
        if (!subscriptions.empty()) subscriptions += ',';
        subscriptions += std::to_string(value.number);
        break;
      default: break;
    }
  }
  Put(out, "type", "PUBLISH");
  Put(out, "qos", packet.qos == 0 ? "0" : "1");
  Put(out, "retain", packet.retain ? "true" : "false");
  Put(out, "dup", packet.dup ? "true" : "false");
  Put(out, "messageExpiryInterval", std::move(expiry));
  if (!subscriptions.empty()) Put(out, "subscriptionId", std::move(subscriptions));
  for (NamedText& text : texts) out.push_back(std::move(text));
  return out;
}

// A header that names what a reply is matched by; the reference has none, so the usual names.
std::string_view CorrelationOf(const connectors::OutMessage& message) {
  for (const std::string_view name : {"correlation-id", "x-correlation-id", "x-request-id"}) {
    for (const HeaderField& header : message.headers) {
      if (EqualsIgnoreCase(header.name, name) && !header.value.empty() &&
          header.value.size() <= kCorrelationBytesMax) {
        return header.value;
      }
    }
  }
  return {};
}

bool SaysText(std::string_view content_type) {
  const std::string type = ToLower(content_type.substr(0, content_type.find(';')));
  const std::string_view plain = Trim(type);
  return StartsWith(plain, "text/") || plain == "application/json" || plain.ends_with("+json");
}

}  // namespace

void AppendHeaders(std::string_view properties, std::vector<HeaderField>& out) {
  PropertyReader list(properties, true);
  PropertyValue value;
  while (list.Next(value)) {
    if (value.id != Property::kUserProperty) continue;
    HeaderField field;
    field.name = value.text;
    field.value = value.value;
    out.push_back(field);
  }
}

std::optional<std::string> DecodeBinaryHeaders(std::string_view properties) {
  if (properties.find(kBinarySuffix) == std::string_view::npos) return std::nullopt;
  std::string out;
  PropertyReader list(properties, true);
  PropertyValue value;
  const char* begin = properties.data();
  while (list.Next(value)) {
    const char* end = properties.data() + (properties.size() - list.left());
    const auto bytes = value.id == Property::kUserProperty && IsBinaryName(value.text)
                           ? Base64Decode(value.value)
                           : std::nullopt;
    if (bytes) {
      PutUserProperty(out, value.text.substr(0, value.text.size() - kBinarySuffix.size()), *bytes);
    } else {
      out.append(begin, end);
    }
    begin = end;
  }
  return out;
}

Metadata MetadataCache::Of(const Publish& packet) {
  key_.clear();
  key_ += static_cast<char>('0' + packet.qos + (packet.retain ? 2 : 0) + (packet.dup ? 4 : 0));
  PropertyReader properties(packet.properties, true);
  PropertyValue value;
  while (properties.Next(value)) {
    if (value.id == Property::kUserProperty || value.id == Property::kTopicAlias) continue;
    PutU8(key_, static_cast<std::uint8_t>(value.id));
    PutU32(key_, value.number);
    PutU32(key_, static_cast<std::uint32_t>(value.text.size()));
    key_ += value.text;
  }
  const auto known = known_.find(std::string_view(key_));
  if (known != known_.end()) return known->second;
  auto made = std::make_shared<const std::vector<NamedText>>(MakeMetadata(packet));
  if (known_.size() >= kMetadataSets) known_.clear();
  known_.emplace(key_, made);
  return made;
}

std::string EncodeProperties(const connectors::OutMessage& message,
                             const Mqtt5Config::Producer& settings, std::string& out) {
  if (message.headers.size() > kHeadersMax) return "at most 256 headers fit a message";
  std::string_view content_type;
  for (const HeaderField& header : message.headers) {
    if (header.name.empty() || header.name.size() > kTextMax - kBinarySuffix.size() ||
        !IsMqttText(header.name)) {
      return "a header's name must be UTF-8, 1 to 65535 bytes";
    }
    if (EqualsIgnoreCase(header.name, "content-type")) content_type = header.value;
    const bool text = IsMqttText(header.value) && !IsBinaryName(header.name);
    const std::size_t size = text ? header.value.size() : (header.value.size() + 2) / 3 * 4;
    if (size > kTextMax) {
      return "header " + std::string(header.name.substr(0, 64)) + " must be shorter than 64 KiB";
    }
    if (text) {
      PutUserProperty(out, header.name, header.value);
    } else {
      PutUserProperty(out, std::string(header.name) + std::string(kBinarySuffix),
                      Base64(header.value));
    }
  }
  if (!content_type.empty() && content_type.size() <= kTextMax && IsMqttText(content_type)) {
    PutText(out, Property::kContentType, content_type);
    if (SaysText(content_type) && IsValidUtf8(message.content)) {
      PutNumber8(out, Property::kPayloadFormat, 1);
    }
  }
  if (settings.message_expiry) {
    PutNumber32(out, Property::kMessageExpiry, *settings.message_expiry);
  }
  if (!settings.response_topic.empty()) {
    PutText(out, Property::kResponseTopic, settings.response_topic);
    const std::string_view correlation = CorrelationOf(message);
    if (correlation.empty()) {
      PutText(out, Property::kCorrelationData, RandomId128());
    } else {
      PutText(out, Property::kCorrelationData, correlation);
    }
  }
  return {};
}

}  // namespace tidegate::mqtt5
