#include "connectors/kafka/connector.h"

#include "connectors/api/tls.h"
#include "connectors/kafka/ack_window.h"
#include "connectors/kafka/factory.h"
#include "connectors/kafka/kerberos.h"
#include "connectors/kafka/oauth.h"
#include "connectors/kafka/reach.h"
#include "connectors/kafka/shelf.h"
#include "connectors/kafka/sink.h"
#include "connectors/kafka/source_each.h"
#include "connectors/kafka/source_group.h"
#include "server/base/check.h"
#include "server/base/codec.h"
#include "server/base/limits.h"
#include "server/http/client_url.h"

namespace tidegate::kafka {

using connectors::Position;
using connectors::Qos;
using connectors::Share;
using connectors::SourcePtr;
using connectors::SourceSpec;

namespace {

// What the library cannot get by itself: tokens and tickets.
StatusOr<std::shared_ptr<Credentials>> MakeCredentials(
    const Shared& shared, std::shared_ptr<net::TlsClient> token_tls,
    const connectors::ConnectorContext& context) {
  const SecuritySettings& security = shared.config.security;
  const std::string owner = context.api + "/" + context.endpoint;
  net::Worker& home =
      context.workers->at(std::hash<std::string>()(owner) % context.workers->size());
  std::shared_ptr<Credentials> made;
  if (security.mechanism == Mechanism::kOauthBearer) {
    made = std::make_shared<OauthCredentials>(security.oauth, std::move(token_tls), shared.monitor,
                                              home);
  } else if (security.mechanism == Mechanism::kGssapi) {
    TG_ASSIGN_OR_RETURN(made,
                        KerberosCredentials::Make(security.kerberos, owner, shared.monitor, home));
  }
  return made;
}

// The client for calls to an https token endpoint.
StatusOr<std::shared_ptr<net::TlsClient>> MakeTokenTls(const google::protobuf::Message& settings,
                                                       const KafkaConfig& config,
                                                       const config::SecretResolver* secrets) {
  std::shared_ptr<net::TlsClient> client;
  const auto url = http::ParseUrl(config.security.oauth.token_endpoint);
  if (config.security.mechanism != Mechanism::kOauthBearer ||
      config.security.oauth.token_endpoint.empty()) {
    return client;
  }
  if (!url.ok()) {
    return InvalidArgument("security.sasl.oauth.tokenEndpoint: " + MessageOf(url.status()));
  }
  const google::protobuf::Message* tls = TokenTls(settings);
  if (!url->tls || tls == nullptr) return client;
  if (secrets == nullptr) return FailedPrecondition("kafka token: its TLS cannot be read here");
  return connectors::MakeTlsClient(*tls, *secrets);
}

}  // namespace

StatusOr<connectors::ConnectorPtr> KafkaConnector::Make(
    KafkaConfig config, const connectors::ConnectorContext& context,
    std::shared_ptr<net::TlsClient> token_tls) {
  TG_CHECK(context.workers != nullptr);
  TG_RETURN_IF_ERROR(CheckConf(config));
  auto monitor = std::make_shared<Monitor>(context.api, context.endpoint);
  auto shared = std::make_shared<Shared>();
  shared->config = std::move(config);
  shared->monitor = std::move(monitor);
  TG_ASSIGN_OR_RETURN(shared->credentials,
                      MakeCredentials(*shared, std::move(token_tls), context));
  return std::make_shared<KafkaConnector>(std::move(shared), *context.workers);
}

KafkaConnector::KafkaConnector(SharedPtr shared, net::WorkerPool& workers)
    : shared_(std::move(shared)), workers_(workers),
      producers_(std::make_shared<ProducerHub>(shared_, workers)), positions_(shared_) {
  capabilities_.publish = shared_->config.producer.enabled;
  capabilities_.subscribe = shared_->config.consumer.enabled;
  capabilities_.levels =
      connectors::QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  capabilities_.auto_ack = true;
  capabilities_.manual_ack = true;
  capabilities_.recover = true;
  capabilities_.window = kAckWindowMax;  // of one partition
}

KafkaConnector::~KafkaConnector() { producers_->Close(); }

Task<StatusOr<SourcePtr>> KafkaConnector::OpenSource(SourceSpec spec, net::Worker& worker) {
  if (!capabilities_.subscribe) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read kafka: the endpoint has no consumer");
  }
  for (const std::string& topic : spec.topics) {
    if (!IsTopicName(topic)) {
      co_return MakeError(ErrorClass::kConfigInvalid, "read kafka: not a topic name");
    }
  }
  if (spec.share == Share::kGroup) {
    co_return co_await OpenGroup(shared_, std::move(spec), worker);
  }
  co_return co_await OpenEach(shared_, std::move(spec), worker);
}

// Names that begin with __ are the broker's own, such as __consumer_offsets.
Status KafkaConnector::CheckDestination(std::string_view destination,
                                        connectors::Direction /*direction*/) const {
  if (IsTopicName(destination) && destination.substr(0, 2) != "__") return OkStatus();
  return WithReason(InvalidArgument("a topic has 1 to 249 of A-Z a-z 0-9 . _ -, is not . or .. "
                                    "and does not begin with __"),
                    "INVALID_DESTINATION");
}

StatusOr<connectors::Sink*> KafkaConnector::SinkFor(net::Worker& worker) {
  if (!capabilities_.publish) {
    return MakeError(ErrorClass::kConfigInvalid, "publish to kafka: the endpoint has no producer");
  }
  return producers_->SinkFor(worker);
}

std::optional<connectors::Reset> KafkaConnector::reset_rule() const {
  switch (shared_->config.consumer.reset) {
    case Reset::kLatest: return connectors::Reset::kLatest;
    case Reset::kEarliest: return connectors::Reset::kEarliest;
    case Reset::kNone: return connectors::Reset::kNone;
  }
  return std::nullopt;
}

void KafkaConnector::AppendId(const Position& position, std::string& out) const {
  // Several hundred partitions: no header would bring it back, and ParseId refuses it. Whoever
  // comes without an id goes on where it stood.
  const std::string text = position.Format();
  if (text.size() > kPositionBytesMax) return;
  if (shared_->config.consumer.encode_message_id) {
    AppendBase64(out, text);
  } else {
    out += text;
  }
}

StatusOr<Position> KafkaConnector::ParseId(std::string_view id) const {
  if (!shared_->config.consumer.encode_message_id) return Position::Parse(id);
  if (id.size() > 2 * kPositionBytesMax) {
    return WithReason(InvalidArgument("position is malformed: it is too long"), "CURSOR_MALFORMED");
  }
  const auto text = Base64Decode(id);
  if (!text) {
    return WithReason(InvalidArgument("position is malformed: it is not base64"),
                      "CURSOR_MALFORMED");
  }
  return Position::Parse(*text);
}

Task<std::vector<connectors::TestStage>> KafkaConnector::Test(net::Worker& worker) {
  return Reach(shared_, worker);
}

Task<void> KafkaConnector::Drain(TimePoint deadline, net::Worker& worker) {
  while (producers_->inflight() > 0 && Clock::now() < deadline) {
    co_await worker.wheel().Sleep(kWheelTick);
  }
  producers_->RetireCurrent("drain");
  positions_.Drop();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    net::Worker& other = workers_.at(i);
    other.Post([shared = shared_, &other] {
      other.Local<Shelf>(other).Purge(shared->monitor.get());
    });
  }
}

connectors::ConnectorFactory MakeKafkaFactory() {
  return [](const google::protobuf::Message& settings, const connectors::ConnectorContext& context)
             -> StatusOr<connectors::ConnectorPtr> {
    TG_ASSIGN_OR_RETURN(KafkaConfig config, ReadKafkaConfig(settings, context.secrets));
    TG_ASSIGN_OR_RETURN(auto token_tls, MakeTokenTls(settings, config, context.secrets));
    return KafkaConnector::Make(std::move(config), context, std::move(token_tls));
  };
}

bool SettleKafka(TimePoint deadline) { return ClientThread::Shared().Settle(deadline); }

}  // namespace tidegate::kafka
