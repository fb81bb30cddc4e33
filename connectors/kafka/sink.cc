#include "connectors/kafka/sink.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <unordered_map>

#include "connectors/kafka/error_map.h"
#include "server/base/check.h"
#include "server/base/strings.h"
#include "server/telemetry/metrics.h"

namespace tidegate::kafka {

using connectors::Outcome;
using connectors::OutMessage;
using connectors::PublishResult;

namespace {

constexpr std::uint32_t kGenerationMask = 0xFFFFFF;
constexpr std::int32_t kUnassigned = -1;  // the library's partitioner chooses

// The message's own key, else the value of the header that the endpoint names.
std::optional<std::string_view> KeyOf(const OutMessage& message, const std::string& header_name) {
  if (message.key || header_name.empty()) return message.key;
  for (const connectors::HeaderField& header : message.headers) {
    if (EqualsIgnoreCase(header.name, header_name)) return header.value;
  }
  return std::nullopt;
}

// Null means a tombstone to Kafka: an empty value still has an address.
void* AddressOf(std::string_view bytes) {
  return const_cast<char*>(bytes.data() != nullptr ? bytes.data() : "");  // NOLINT: not written
}

rd_kafka_headers_t* HeadersOf(const OutMessage& message) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
  for (const connectors::HeaderField& header : message.headers) {
    rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                        AddressOf(header.value), static_cast<ssize_t>(header.value.size()));
  }
  return headers;
}

}  // namespace

struct KafkaSink::Lease {
  ProducerPtr producer;
  // Of topics that requests name; `configured`: of the endpoint's own, in their order.
  std::unordered_map<std::string, rd_kafka_topic_t*, StringHash, std::equal_to<>> topics;
  std::vector<rd_kafka_topic_t*> configured;
  std::uint32_t outstanding = 0;  // slots that wait for reports
  bool retired = false;

  ~Lease() {
    for (const auto& [name, topic] : topics) rd_kafka_topic_destroy(topic);
    for (rd_kafka_topic_t* topic : configured) {
      if (topic != nullptr) rd_kafka_topic_destroy(topic);
    }
  }
};

KafkaSink::KafkaSink(ProducerHub& hub, net::Worker& worker, std::size_t bytes_max)
    : hub_(hub), worker_(worker), bytes_max_(bytes_max) {
  telemetry::Registry& registry = telemetry::Registry::Global();
  const Monitor& monitor = *hub.shared()->monitor;
  constexpr const char* kNames[] = {"ok", "no", "unknown"};
  for (std::size_t i = 0; i < 3; ++i) {
    outcomes_[i] = &registry.GetCounter(
        "tidegate_broker_publishes_total", "Records published to brokers, by outcome.",
        {{"api", monitor.api()}, {"endpoint", monitor.endpoint()}, {"outcome", kNames[i]}});
  }
  ack_seconds_ = &registry.GetHistogram(
      "tidegate_broker_publish_duration_seconds", "From hand-over to the broker's confirmation.",
      telemetry::DurationBuckets(), {{"api", monitor.api()}, {"endpoint", monitor.endpoint()}});
}

KafkaSink::~KafkaSink() {
  for (const auto& lease : leases_) hub_.Release(lease->producer);
}

Task<PublishResult> KafkaSink::Publish(const OutMessage& message, TimePoint deadline) {
  const TimePoint begun = Clock::now();
  last_used_ns_.store(begun.time_since_epoch().count(), std::memory_order_relaxed);
  if (connectors::SizeOf(message) > bytes_max_) {
    Status status = MakeError(ErrorClass::kMessageRejected,
                              "publish to kafka: the message is larger than " +
                                  std::to_string(bytes_max_) + " bytes with its headers");
    outcomes_[1]->Add();
    co_return PublishResult(Outcome::kNo, std::move(status));
  }
  if (current_ == nullptr) {
    Status status = co_await Connect(deadline);
    if (!status.ok()) {
      outcomes_[1]->Add();
      co_return PublishResult(Outcome::kNo, std::move(status));
    }
  }
  std::uint32_t index = 0;
  Slot* slot = Take(index);
  if (slot == nullptr) {
    outcomes_[1]->Add();
    Status status = MakeError(ErrorClass::kOverloaded, "publish to kafka: too many in flight");
    co_return PublishResult(Outcome::kNo, std::move(status));
  }
  Lease& lease = *current_;
  slot->lease = &lease;
  Opaque opaque;
  opaque.worker = static_cast<std::uint32_t>(worker_.index());
  opaque.generation = slot->generation;
  opaque.slot = index;
  if (message.topics.empty()) {
    for (rd_kafka_topic_t* topic : ConfiguredTopics(lease)) {
      Hand(lease, topic, message, *slot, opaque.Pack());
    }
  } else {
    for (const std::string& name : message.topics) {
      Hand(lease, TopicOf(lease, name), message, *slot, opaque.Pack());
    }
  }
  bool answered = true;
  TimePoint ended = begun;
  if (slot->outstanding > 0) {
    ++lease.outstanding;
    answered = slot->parking.Arm(worker_.wheel(), deadline, begun);
    if (answered) answered = co_await slot->parking.Suspend();
    ended = reports_at_;
  }
  PublishResult result;
  if (answered) {
    result = ResultOf(*slot);
    Free(index);
    ack_seconds_->Observe(ended - begun);
  } else {
    slot->gone = true;  // its reports free it
    Status status = MakeError(ErrorClass::kTimeout,
                              "publish to kafka: no confirmation before the deadline");
    result = PublishResult(Outcome::kUnknown, std::move(status));
  }
  outcomes_[static_cast<std::size_t>(result.outcome)]->Add();
  co_return result;
}

Task<Status> KafkaSink::Connect(TimePoint deadline) {
  if (connecting_.empty()) {
    if (ProducerPtr producer = hub_.Acquire(worker_)) {
      auto lease = std::make_unique<Lease>();
      lease->producer = std::move(producer);
      current_ = lease.get();
      leases_.push_back(std::move(lease));
      co_return OkStatus();
    }
  }
  if (connecting_.size() >= kPublishesInFlightMax) {
    co_return MakeError(ErrorClass::kOverloaded, "publish to kafka: too many in flight");
  }
  Parking parking;
  connecting_.push_back(&parking);
  const bool woken = co_await parking.Wait(worker_.wheel(), deadline);
  std::erase(connecting_, &parking);
  if (!woken) {
    co_return MakeError(ErrorClass::kConnectFailed, "publish to kafka: no client in time");
  }
  if (current_ != nullptr) co_return OkStatus();
  co_return connect_status_;
}

void KafkaSink::OnProducer(const Status& status) {
  connect_status_ = status;
  if (status.ok() && current_ == nullptr) {
    if (ProducerPtr producer = hub_.Acquire(worker_)) {
      auto lease = std::make_unique<Lease>();
      lease->producer = std::move(producer);
      current_ = lease.get();
      leases_.push_back(std::move(lease));
    } else {
      return;  // retired meanwhile; Acquire has asked for the next one
    }
  }
  const std::vector<Parking*> waiting = std::move(connecting_);
  connecting_.clear();
  for (Parking* parking : waiting) parking->Wake();
}

void KafkaSink::OnRetired(const Producer* producer) {
  for (const auto& lease : leases_) {
    if (lease->producer.get() == producer) lease->retired = true;
  }
  if (current_ != nullptr && current_->retired) current_ = nullptr;
  DropLeases();
}

void KafkaSink::DropLeases() {
  for (auto it = leases_.begin(); it != leases_.end();) {
    if (!(*it)->retired || (*it)->outstanding > 0) {
      ++it;
      continue;
    }
    std::unique_ptr<Lease> lease = std::move(*it);
    it = leases_.erase(it);
    const ProducerPtr producer = lease->producer;
    lease.reset();  // topic handles before the producer
    hub_.Release(producer);
  }
}

rd_kafka_topic_t* KafkaSink::TopicOf(Lease& lease, const std::string& name) {
  const auto it = lease.topics.find(name);
  if (it != lease.topics.end()) return it->second;
  if (lease.topics.size() >= kTopicHandlesMax) {
    // Requests name topics of their own: begin anew, the library keeps what it still needs.
    for (const auto& [old, topic] : lease.topics) rd_kafka_topic_destroy(topic);
    lease.topics.clear();
  }
  rd_kafka_topic_t* topic = rd_kafka_topic_new(lease.producer->rk(), name.c_str(), nullptr);
  if (topic != nullptr) lease.topics.emplace(name, topic);
  return topic;
}

const std::vector<rd_kafka_topic_t*>& KafkaSink::ConfiguredTopics(Lease& lease) {
  const std::vector<std::string>& names = hub_.shared()->config.producer.topics;
  lease.configured.resize(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    rd_kafka_topic_t*& topic = lease.configured[i];
    if (topic != nullptr) continue;
    topic = rd_kafka_topic_new(lease.producer->rk(), names[i].c_str(), nullptr);
  }
  return lease.configured;
}

void KafkaSink::Hand(Lease& lease, rd_kafka_topic_t* topic, const OutMessage& message, Slot& slot,
                     void* opaque) {
  const int code = Send(lease, topic, message, opaque);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++slot.outstanding;
  } else {
    Count(slot, RD_KAFKA_MSG_STATUS_NOT_PERSISTED, code);
  }
}

int KafkaSink::Send(Lease& lease, rd_kafka_topic_t* topic, const OutMessage& message,
                    void* opaque) {
  if (topic == nullptr) return RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
  const std::optional<std::string_view> chosen =
      KeyOf(message, hub_.shared()->config.producer.key_header);
  const void* key = chosen ? AddressOf(*chosen) : nullptr;
  const std::size_t key_size = chosen ? chosen->size() : 0;
  if (message.headers.empty()) {
    const int sent = rd_kafka_produce(topic, kUnassigned, RD_KAFKA_MSG_F_COPY,
                                      AddressOf(message.content), message.content.size(), key,
                                      key_size, opaque);
    return sent == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }
  rd_kafka_headers_t* headers = HeadersOf(message);
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      lease.producer->rk(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(kUnassigned),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_VALUE(AddressOf(message.content), message.content.size()),
      RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque),
      RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
  return code;
}

KafkaSink::Slot* KafkaSink::Take(std::uint32_t& index) {
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (slots_.size() >= kPublishesInFlightMax) return nullptr;
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<Slot>());
    free_.reserve(slots_.size());
  }
  Slot& slot = *slots_[index];
  slot.outstanding = 0;
  slot.ok = slot.no = slot.unknown = 0;
  slot.code = 0;
  slot.gone = false;
  inflight_.store(inflight() + 1, std::memory_order_relaxed);
  return &slot;
}

void KafkaSink::Free(std::uint32_t index) {
  Slot& slot = *slots_[index];
  slot.generation = (slot.generation % kGenerationMask) + 1;  // never 0
  slot.lease = nullptr;
  free_.push_back(index);
  inflight_.store(inflight() - 1, std::memory_order_relaxed);
}

void KafkaSink::Count(Slot& slot, int message_status, int code) {
  switch (OutcomeOf(message_status, code)) {
    case Outcome::kOk: ++slot.ok; return;
    case Outcome::kNo: ++slot.no; break;
    case Outcome::kUnknown: ++slot.unknown; break;
  }
  if (slot.code == 0) slot.code = code;
}

// Several topics: any failure is the result, and it is a definite no only when no topic may have
// it.
PublishResult KafkaSink::ResultOf(const Slot& slot) const {
  if (slot.no == 0 && slot.unknown == 0) return PublishResult();
  const Monitor& monitor = *hub_.shared()->monitor;
  Status status = ErrorOf(slot.code, "publish to kafka", "", monitor.connected());
  if (ClassOf(status) == ErrorClass::kTimeout) {
    // A record that found no broker: where they refuse us, that is why.
    const Status refused = monitor.RefusalSince(TimePoint());
    if (!refused.ok()) status = refused;
  }
  const bool definite = slot.ok == 0 && slot.unknown == 0;
  return PublishResult(definite ? Outcome::kNo : Outcome::kUnknown, std::move(status));
}

void KafkaSink::OnReports(const std::vector<Report>& reports) {
  reports_at_ = Clock::now();  // once for all whom they wake
  for (const Report& report : reports) {
    TG_CHECK(report.slot < slots_.size());
    Slot& slot = *slots_[report.slot];
    if (slot.generation != report.generation || slot.outstanding == 0) {
      TG_BUG("kafka: a delivery report without its slot");
      continue;
    }
    if (report.code == RD_KAFKA_RESP_ERR_NO_ERROR) hub_.shared()->monitor->Alive();
    Count(slot, report.message_status, report.code);
    if (--slot.outstanding > 0) continue;
    --slot.lease->outstanding;
    if (slot.gone) {
      Free(report.slot);
    } else {
      slot.parking.Wake();
    }
  }
  DropLeases();
}

}  // namespace tidegate::kafka
