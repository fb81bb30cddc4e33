// The settings of a Solace endpoint in the words of an MQTT one.
#include "connectors/solace/solace_config.h"
#include "connectors/solace/topics.h"
#include "server/base/check.h"
#include "tidegate/config/v1/mqtt5.pb.h"
#include "tidegate/config/v1/solace.pb.h"

namespace tidegate::solace {
namespace {

namespace pb = ::tidegate::config::v1;

constexpr int kMqttDefaultPort = 1883;
constexpr int kMqttsDefaultPort = 8883;
constexpr int kAttempts = 10;  // the default of solace endpoints, and the most over MQTT

void CopyProducer(const pb::SolaceProducer& in, pb::Mqtt5Producer& out) {
  out.set_enabled(!in.has_enabled() || in.enabled());
  for (const std::string& topic : in.topics()) out.add_topics(topic);
  if (in.has_retained()) out.set_retained(in.retained());
  if (in.has_message_expiry()) *out.mutable_message_expiry() = in.message_expiry();
  out.set_response_topic(in.response_topic());
}

void CopyConsumer(const pb::SolaceConsumer& in, pb::Mqtt5Consumer& out) {
  out.set_enabled(!in.has_enabled() || in.enabled());
  for (const std::string& topic : in.topics()) {
    const auto filter = ToMqttFilter(topic);
    TG_CHECK(filter.has_value());
    out.add_topics(*filter);
  }
}

}  // namespace

std::shared_ptr<const google::protobuf::Message> ToMqttSettings(
    const google::protobuf::Message& settings) {
  const auto* in = dynamic_cast<const pb::SolaceEndpoint*>(&settings);
  TG_CHECK(in != nullptr);
  Url url;
  std::string_view rule;
  TG_CHECK(ParseUrl(in->url(), url, rule));
  auto out = std::make_shared<pb::Mqtt5Endpoint>();
  const bool tls = url.scheme == "mqtts";
  out->set_server_host(url.host);
  out->set_server_port(url.port != 0 ? url.port : tls ? kMqttsDefaultPort : kMqttDefaultPort);
  out->set_reconnect_attempts(in->has_reconnect_attempts() ? in->reconnect_attempts() : kAttempts);
  if (in->has_security()) *out->mutable_security() = in->security();
  if (tls) out->mutable_security()->mutable_tls();
  if (in->has_producer()) CopyProducer(in->producer(), *out->mutable_producer());
  if (in->has_consumer()) CopyConsumer(in->consumer(), *out->mutable_consumer());
  return out;
}

}  // namespace tidegate::solace
