// What a connector knows of its health: written by library callbacks on any thread, read by anyone.
// A cluster that is gone for kAllDownGrace makes the connector Degraded; readers live on, the
// library reconnects by itself. Refused TLS or a refused login is a failure at once, and stays one
// until a broker answers.
//
// Thread: any (a mutex; never on the path of a message: Alive() is one relaxed load when nothing
// has changed). Owner: shared_ptr of the connector and of every client.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/api/connector.h"

namespace tidegate::telemetry {
class Counter;
class Gauge;
}

namespace tidegate::kafka {

inline constexpr auto kAllDownGrace = std::chrono::seconds(10);
// An endpoint that was refused is left out that long where there are others.
inline constexpr auto kRefusedOut = std::chrono::seconds(30);

class Monitor {
 public:
  // `api` and `endpoint` name the connector in logs and metrics.
  Monitor(std::string api, std::string endpoint);

  void ClientMade();
  void ClientGone();
  void Failed(int code, std::string_view text);  // an error the library reports
  void FailedToOpen(const Status& status);
  // No token or ticket could be had: a refusal, whatever its class.
  void CredentialsMissing(const Status& status);
  // Why the certificate of `broker` is not believed; the library's own text does not tell.
  void CertificateRefused(std::string_view broker, std::string_view why);
  // TLS or a login was refused at or after `since`, and no broker has answered since then; else ok.
  Status RefusalSince(TimePoint since) const;
  // What the library has said last of a lost or failed connection, at or after `since`; or empty.
  std::string TroubleSince(TimePoint since) const;
  // A broker has answered: a record came, a report, metadata.
  void Alive() {
    if (!alive_.load(std::memory_order_relaxed)) SetAlive();
  }
  bool connected() const { return reached_.load(std::memory_order_relaxed); }
  bool dialled() const;  // a client was made since the connector was: a broker has been tried
  connectors::Health health() const;

  // How far `source` is behind, by topic: in all partitions, and in the one that is furthest behind
  // (kafka_consumer_lag_max_messages). The largest of all sources is shown.
  struct TopicLag {
    std::string topic;
    std::int64_t messages = 0;
    std::int64_t most = 0;
    void Add(std::int64_t partition);
  };
  void SetLag(const void* source, std::vector<TopicLag> lag);
  void DropLag(const void* source);
  std::vector<connectors::Lag> lag() const;

  const std::string& api() const { return api_; }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void SetAlive();
  void Since(connectors::HealthState state);
  void Refuse(ErrorClass error_class, std::string text);  // under the mutex
  void ShowLag();  // under the mutex

  const std::string api_;
  const std::string endpoint_;
  std::atomic<bool> alive_{false};
  std::atomic<bool> reached_{false};
  mutable std::mutex mutex_;
  connectors::Health health_;
  TimePoint down_since_{};
  bool dialled_ = false;
  TimePoint refused_at_{};      // TLS or login; not set: a broker has answered since
  std::string certificate_;     // what CertificateRefused has said last
  TimePoint certificate_at_{};
  std::string trouble_;
  TimePoint trouble_at_{};
  struct ShownLag {
    std::int64_t messages = 0;
    std::int64_t most = 0;
    telemetry::Gauge* gauge = nullptr;  // of `most`
  };
  std::map<const void*, std::vector<TopicLag>> lag_;
  std::map<std::string, ShownLag> shown_lag_;
  telemetry::Counter& connects_;
  telemetry::Counter& losses_;
  telemetry::Gauge& clients_;
};

}  // namespace tidegate::kafka
