#include "connectors/kafka/conf.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <memory>
#include <span>

#include "connectors/kafka/error_map.h"
#include "connectors/kafka/monitor.h"
#include "connectors/kafka/properties.h"
#include "server/base/codec.h"
#include "server/base/log.h"
#include "server/net/certificate_error.h"

namespace tidegate::kafka {
namespace {

struct Setting {
  const char* name;
  const char* value;
};

constexpr std::array kBoth = {
    Setting{"log_level", "6"},                           // to our log, by log_cb
    // 10 s from a broker's return to a delivery
    Setting{"reconnect.backoff.ms", "250"},
    Setting{"reconnect.backoff.max.ms", "2000"},
    Setting{"socket.connection.setup.timeout.ms", "5000"},
    Setting{"socket.keepalive.enable", "true"},
    // a record waits for linger, not for an ACK
    Setting{"socket.nagle.disable", "true"},
    Setting{"topic.metadata.propagation.max.ms", "1000"},  // a missing topic is said after 1 s
    Setting{"statistics.interval.ms", "0"},              // lag comes from cached watermarks
};

constexpr std::array kProducerOnly = {
    // Our own limit is 1,000,000 bytes of record; the batch around it comes on top.
    Setting{"message.max.bytes", "1001000"},
    Setting{"queue.buffering.max.kbytes", "16384"},  // 16 MiB, not 1 GiB: it is a sidecar
    Setting{"queue.buffering.max.messages", "100000"},
    Setting{"queue.buffering.backpressure.threshold", "1"},
};

constexpr std::array kConsumerOnly = {
    Setting{"queued.max.messages.kbytes", "4096"},   // what waits unread when nobody pulls
    Setting{"queued.min.messages", "100000"},        // the bytes are the bound: see fetch_nudge.h
    Setting{"fetch.message.max.bytes", "262144"},    // a held record keeps its whole answer alive
    Setting{"fetch.max.bytes", "4194304"},
    Setting{"fetch.wait.max.ms", "100"},
    Setting{"fetch.error.backoff.ms", "200"},
    Setting{"allow.auto.create.topics", "false"},    // a missing topic is an error
    Setting{"enable.auto.commit", "false"},
    Setting{"enable.auto.offset.store", "false"},
};

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

class Builder {
 public:
  Builder() : conf_(rd_kafka_conf_new()) {}
  void Set(const char* name, const std::string& value) {
    if (!status_.ok()) return;
    std::array<char, 256> text{};
    if (rd_kafka_conf_set(conf_.get(), name, value.c_str(), text.data(), text.size()) ==
        RD_KAFKA_CONF_OK) {
      return;
    }
    std::string cause = "kafka setting ";
    cause += name;
    cause += " is refused by the library";
    status_ = MakeError(ErrorClass::kConfigInvalid, cause);
  }
  void Set(std::span<const Setting> settings) {
    for (const Setting& setting : settings) Set(setting.name, setting.value);
  }
  rd_kafka_conf_t* get() { return conf_.get(); }
  const Status& status() const { return status_; }
  rd_kafka_conf_t* release() { return conf_.release(); }

 private:
  ConfPtr conf_;
  Status status_;
};

LogLevel LevelOf(int syslog_level) {
  if (syslog_level <= 3) return LogLevel::kWarn;  // the library shouts about every lost connection
  if (syslog_level <= 5) return LogLevel::kInfo;
  return LogLevel::kDebug;
}

void OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text) {
  std::string api;
  std::string endpoint;
  if (rk != nullptr) {
    const auto* opaque = static_cast<const ClientOpaque*>(rd_kafka_opaque(rk));
    if (opaque != nullptr && opaque->monitor != nullptr) {
      api = opaque->monitor->api();
      endpoint = opaque->monitor->endpoint();
    }
  }
  Log(LevelOf(level), "kafka.library",
      {{"api", api}, {"endpoint", endpoint}, {"facility", facility}, {"text", Redact(text)}});
}

void OnError(rd_kafka_t*, int code, const char* reason, void* opaque) {
  const auto* client = static_cast<const ClientOpaque*>(opaque);
  if (client->monitor != nullptr) client->monitor->Failed(code, reason);
}

void OnRebalance(rd_kafka_t* rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                 void* opaque) {
  const auto* client = static_cast<const ClientOpaque*>(opaque);
  client->rebalance(rk, code, list, client->rebalance_target);
}

// The library's own text of a refused certificate does not say why.
int OnCertificate(rd_kafka_t*, const char* broker, std::int32_t, int* error, int, const char*,
                  std::size_t, char*, std::size_t, void* opaque) {
  if (*error == 0) return 1;
  const auto* client = static_cast<const ClientOpaque*>(opaque);
  if (client->monitor != nullptr) {
    client->monitor->CertificateRefused(broker, net::CertificateErrorText(*error, "broker"));
  }
  return 0;
}

// Tokens are set as they come (oauth.cc); what the library asks for is there already.
void IgnoreTokenRefresh(rd_kafka_t*, const char*, void*) {}

void SetTls(const SecuritySettings& security, const ConfSpec& spec, Builder& builder) {
  if (!security.trust_pem.empty()) builder.Set("ssl.ca.pem", security.trust_pem);
  if (!security.key_pem.empty()) {
    // The chain as a file: of a text this version sends only the first certificate.
    builder.Set("ssl.key.pem", security.key_pem);
    if (!spec.chain_path.empty()) builder.Set("ssl.certificate.location", spec.chain_path);
  }
  builder.Set("ssl.endpoint.identification.algorithm", security.verify_hostname ? "https" : "none");
  // The library has no setting for the version. The suites of TLS 1.3 are not in this list and
  // stay; of TLS 1.2 only one is left that needs a key shared before, which nobody has.
  if (security.only_tls13) builder.Set("ssl.cipher.suites", "PSK-AES256-GCM-SHA384");
  if (security.trust_all) {
    builder.Set("enable.ssl.certificate.verification", "false");
  } else {
    rd_kafka_conf_set_ssl_cert_verify_cb(builder.get(), OnCertificate);
  }
}

void SetSasl(const SecuritySettings& security, Builder& builder) {
  builder.Set("sasl.mechanism", std::string(NameOf(security.mechanism)));
  switch (security.mechanism) {
    case Mechanism::kPlain:
    case Mechanism::kScramSha256:
    case Mechanism::kScramSha512:
      builder.Set("sasl.username", security.username);
      builder.Set("sasl.password", security.password);
      return;
    case Mechanism::kOauthBearer:
      rd_kafka_conf_set_oauthbearer_token_refresh_cb(builder.get(), IgnoreTokenRefresh);
      return;
    case Mechanism::kGssapi:
      // 0: the library runs no command to get tickets (it would hand our texts to a shell).
      builder.Set("sasl.kerberos.min.time.before.relogin", "0");
      builder.Set("sasl.kerberos.service.name", security.kerberos.service);
      return;
    case Mechanism::kNone: return;
  }
}

void SetSecurity(const SecuritySettings& security, const ConfSpec& spec, Builder& builder) {
  builder.Set("security.protocol", std::string(security.protocol()));
  if (security.tls) SetTls(security, spec, builder);
  if (security.sasl) SetSasl(security, builder);
}

void SetProducer(const KafkaConfig& config, Builder& builder) {
  const KafkaConfig::Producer& producer = config.producer;
  builder.Set("client.id", "tidegate-producer-" + RandomToken(4));
  builder.Set(kProducerOnly);
  builder.Set("acks", producer.acks_all ? "all" : "1");
  // Idempotence needs acks of all replicas; without it a retry may write a record twice.
  builder.Set("enable.idempotence", producer.acks_all ? "true" : "false");
  builder.Set("linger.ms", std::to_string(producer.linger.count()));
  builder.Set("message.timeout.ms", std::to_string(producer.delivery_timeout.count()));
  builder.Set("compression.type", producer.compression);
  rd_kafka_conf_set_events(builder.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
}

void SetConsumer(const ConfSpec& spec, Builder& builder) {
  builder.Set("client.id", "tidegate-consumer-" + RandomToken(4));
  builder.Set(kConsumerOnly);
  if (spec.role != Role::kGroup) {
    builder.Set("auto.offset.reset", "error");  // starts are explicit; a lost position is said
    builder.Set("enable.partition.eof", "true");  // a log may end in what is no message
    return;
  }
  builder.Set("enable.partition.eof", "false");
  builder.Set("group.id", spec.group);
  builder.Set("partition.assignment.strategy", "cooperative-sticky");
  Reset reset = spec.latest ? Reset::kLatest : spec.reset;
  builder.Set("auto.offset.reset", reset == Reset::kLatest     ? "latest"
                                   : reset == Reset::kEarliest ? "earliest"
                                                               : "error");
  rd_kafka_conf_set_rebalance_cb(builder.get(), OnRebalance);
}

}  // namespace

StatusOr<rd_kafka_conf_t*> MakeConf(const KafkaConfig& config, const ConfSpec& spec,
                                    ClientOpaque* opaque) {
  Builder builder;
  builder.Set("bootstrap.servers", config.bootstrap);
  builder.Set(kBoth);
  SetSecurity(config.security, spec, builder);
  const bool producer = spec.role == Role::kProducer;
  if (producer) {
    SetProducer(config, builder);
  } else {
    SetConsumer(spec, builder);
  }
  for (const auto& [name, value] : config.properties) {
    const Property* property = FindProperty(name);
    if (property == nullptr) {
      return MakeError(ErrorClass::kConfigInvalid, "kafka property " + name + " may not be set");
    }
    if (property->role == PropertyFor::kProducer && !producer) continue;
    if (property->role == PropertyFor::kConsumer && producer) continue;
    builder.Set(name.c_str(), value);
  }
  if (!builder.status().ok()) return builder.status();
  rd_kafka_conf_set_opaque(builder.get(), opaque);
  rd_kafka_conf_set_log_cb(builder.get(), OnLog);
  rd_kafka_conf_set_error_cb(builder.get(), OnError);
  return builder.release();
}

Status CheckConf(const KafkaConfig& config) {
  for (const Role role : {Role::kProducer, Role::kEach, Role::kGroup}) {
    ConfSpec spec;
    spec.role = role;
    spec.group = "check";
    auto conf = MakeConf(config, spec, nullptr);
    if (!conf.ok()) return conf.status();
    rd_kafka_conf_destroy(*conf);
  }
  return OkStatus();
}

}  // namespace tidegate::kafka
