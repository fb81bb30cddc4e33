#include "connectors/kafka/monitor.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "connectors/api/link_metrics.h"
#include "connectors/kafka/error_map.h"
#include "server/base/log.h"
#include "server/base/unix_time.h"
#include "server/telemetry/metrics.h"

namespace tidegate::kafka {
namespace {

using connectors::HealthState;
using connectors::LinkChanges;
using connectors::LinkClients;

// The library reports a failed handshake right after it has asked about the certificate.
constexpr auto kCertificateFresh = std::chrono::seconds(5);

}  // namespace

Monitor::Monitor(std::string api, std::string endpoint)
    : api_(std::move(api)), endpoint_(std::move(endpoint)),
      connects_(LinkChanges(api_, endpoint_, "reached")),
      losses_(LinkChanges(api_, endpoint_, "lost")),
      clients_(LinkClients(api_, endpoint_)) {
  health_.since_unix_ms = UnixMs();
}

void Monitor::Since(HealthState state) {
  if (health_.state == state) return;
  health_.state = state;
  health_.since_unix_ms = UnixMs();
}

void Monitor::ClientMade() {
  std::lock_guard lock(mutex_);
  dialled_ = true;
  ++health_.clients;
  clients_.Set(health_.clients);
  const bool again = health_.state == HealthState::kFailed && refused_at_ == TimePoint();
  if (health_.state == HealthState::kIdle || again) {
    Since(HealthState::kConnecting);
  }
}

void Monitor::ClientGone() {
  std::lock_guard lock(mutex_);
  --health_.clients;
  clients_.Set(health_.clients);
  if (health_.clients == 0) {
    if (refused_at_ == TimePoint()) Since(HealthState::kIdle);
    alive_.store(false, std::memory_order_relaxed);
    down_since_ = TimePoint();
  }
}

bool Monitor::dialled() const {
  std::lock_guard lock(mutex_);
  return dialled_;
}

void Monitor::Refuse(ErrorClass error_class, std::string text) {
  health_.last_error = error_class;
  health_.last_error_text = std::move(text);
  if (refused_at_ == TimePoint()) {
    Log(LogLevel::kWarn, "kafka.refused",
        {{"api", api_}, {"endpoint", endpoint_}, {"cause", health_.last_error_text}});
  }
  refused_at_ = Clock::now();
  alive_.store(false, std::memory_order_relaxed);  // the next answer of a broker ends the refusal
  ++health_.connect_failures;
  Since(HealthState::kFailed);
}

void Monitor::CertificateRefused(std::string_view broker, std::string_view why) {
  std::lock_guard lock(mutex_);
  certificate_ = "TLS with " + std::string(broker.substr(0, 255)) + ": " + std::string(why);
  certificate_at_ = Clock::now();
}

Status Monitor::RefusalSince(TimePoint since) const {
  std::lock_guard lock(mutex_);
  if (refused_at_ == TimePoint() || refused_at_ < since) return OkStatus();
  return MakeError(health_.last_error, health_.last_error_text);
}

std::string Monitor::TroubleSince(TimePoint since) const {
  std::lock_guard lock(mutex_);
  return trouble_at_ == TimePoint() || trouble_at_ < since ? std::string() : trouble_;
}

void Monitor::Failed(int code, std::string_view text) {
  std::lock_guard lock(mutex_);
  ErrorClass error_class = ClassOfCode(code, connected());
  // With TLS 1.3 the broker's verdict on our certificate comes after the handshake, and the library
  // calls that a lost connection.
  const bool alert = text.find("SSL alert number") != std::string_view::npos;
  if (alert) error_class = ErrorClass::kTlsFailed;
  if (error_class == ErrorClass::kTlsFailed || error_class == ErrorClass::kAuthFailed) {
    const bool certificate = error_class == ErrorClass::kTlsFailed &&
                             certificate_at_ != TimePoint() &&
                             Clock::now() - certificate_at_ < kCertificateFresh;
    std::string cause = certificate ? certificate_ : Redact(text);
    if (alert) cause = "the broker refuses the gateway's TLS, or wants a certificate: " + cause;
    Refuse(error_class, std::move(cause));
    return;
  }
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    trouble_ = Redact(text);
    trouble_at_ = Clock::now();
  }
  // What follows from a refusal (no broker is up) says less than it.
  const bool follows = refused_at_ != TimePoint() && (error_class == ErrorClass::kConnectFailed ||
                                                      error_class == ErrorClass::kConnectionClosed);
  if (!follows) {
    health_.last_error = error_class;
    health_.last_error_text = Redact(text);
  }
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  ++health_.connect_failures;
  if (alive_.exchange(false, std::memory_order_relaxed)) {
    losses_.Add();
    Log(LogLevel::kWarn, "kafka.cluster_lost",
        {{"api", api_}, {"endpoint", endpoint_}, {"cause", health_.last_error_text}});
  }
  if (down_since_ == TimePoint()) down_since_ = Clock::now();
}

void Monitor::CredentialsMissing(const Status& status) {
  std::lock_guard lock(mutex_);
  Refuse(ClassOf(status), MessageOf(status));
}

void Monitor::FailedToOpen(const Status& status) {
  std::lock_guard lock(mutex_);
  const ErrorClass error_class = ClassOf(status);
  if (error_class == ErrorClass::kTlsFailed || error_class == ErrorClass::kAuthFailed) {
    if (refused_at_ == TimePoint()) Refuse(error_class, MessageOf(status));
    return;
  }
  health_.last_error = error_class;
  health_.last_error_text = MessageOf(status);
  if (health_.last_error == ErrorClass::kConfigInvalid) Since(HealthState::kFailed);
}

void Monitor::SetAlive() {
  std::lock_guard lock(mutex_);
  if (alive_.exchange(true, std::memory_order_relaxed)) return;
  if (reached_.exchange(true, std::memory_order_relaxed) && down_since_ != TimePoint()) {
    ++health_.reconnects;
  }
  down_since_ = TimePoint();
  refused_at_ = TimePoint();
  connects_.Add();
  Since(HealthState::kReady);
  Log(LogLevel::kInfo, "kafka.cluster_reached", {{"api", api_}, {"endpoint", endpoint_}});
}

connectors::Health Monitor::health() const {
  std::lock_guard lock(mutex_);
  connectors::Health health = health_;
  if (down_since_ != TimePoint() && Clock::now() - down_since_ > kAllDownGrace) {
    health.state = reached_.load(std::memory_order_relaxed) ? HealthState::kDegraded
                                                            : HealthState::kFailed;
  }
  if (refused_at_ != TimePoint() && Clock::now() - refused_at_ > kRefusedOut) {
    health.state = HealthState::kDegraded;
  }
  return health;
}

void Monitor::TopicLag::Add(std::int64_t partition) {
  messages += partition;
  most = std::max(most, partition);
}

void Monitor::SetLag(const void* source, std::vector<TopicLag> lag) {
  std::lock_guard lock(mutex_);
  lag_[source] = std::move(lag);
  ShowLag();
}

void Monitor::DropLag(const void* source) {
  std::lock_guard lock(mutex_);
  if (lag_.erase(source) > 0) ShowLag();
}

void Monitor::ShowLag() {
  for (auto& [topic, shown] : shown_lag_) shown.messages = shown.most = 0;
  for (const auto& [source, entries] : lag_) {
    for (const TopicLag& entry : entries) {
      ShownLag& shown = shown_lag_[entry.topic];
      shown.messages = std::max(shown.messages, entry.messages);
      shown.most = std::max(shown.most, entry.most);
    }
  }
  for (auto& [topic, shown] : shown_lag_) {
    if (shown.gauge == nullptr) {
      telemetry::Labels labels = connectors::LinkLabels(api_, endpoint_);
      labels.emplace_back("topic", topic);
      shown.gauge = &telemetry::Registry::Global().GetGauge(
          "tidegate_kafka_consumer_lag_max_messages",
          "Messages between the furthest-behind reader and the end, of one partition.", labels);
    }
    shown.gauge->Set(static_cast<double>(shown.most));
  }
}

std::vector<connectors::Lag> Monitor::lag() const {
  std::lock_guard lock(mutex_);
  std::vector<connectors::Lag> lag;
  for (const auto& [topic, shown] : shown_lag_) {
    connectors::Lag entry;
    entry.topic = topic;
    entry.messages = shown.messages;
    lag.push_back(std::move(entry));
  }
  return lag;
}

}  // namespace tidegate::kafka
