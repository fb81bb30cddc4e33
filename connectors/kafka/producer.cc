#include "connectors/kafka/producer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "connectors/kafka/sink.h"
#include "connectors/kafka/topics.h"
#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::kafka {
namespace {

constexpr auto kLingerCheck = std::chrono::seconds(5);

// (control) Refused TLS or a refused login is said before a record is taken: the library would keep
// the record and go on trying until it times out. What else is wrong shows in delivery reports.
Status LogIn(const SharedPtr& shared, const Client& client) {
  if (!shared->config.security.tls && !shared->config.security.sasl) return OkStatus();
  const auto found = FindTopics(client.rk(), shared, shared->config.producer.topics);
  if (found.ok()) return OkStatus();
  const ErrorClass error_class = ClassOf(found.status());
  const bool refused =
      error_class == ErrorClass::kTlsFailed || error_class == ErrorClass::kAuthFailed;
  return refused ? found.status() : OkStatus();
}

}  // namespace

Opaque Opaque::Unpack(const void* pointer) {
  const auto bits = reinterpret_cast<std::uint64_t>(pointer);
  Opaque opaque;
  opaque.worker = static_cast<std::uint32_t>(bits >> 56);
  opaque.generation = static_cast<std::uint32_t>(bits >> 32) & 0xFFFFFF;
  opaque.slot = static_cast<std::uint32_t>(bits);
  return opaque;
}

Producer::Producer(ClientPtr client, net::Worker& home, std::weak_ptr<ProducerHub> hub)
    : client_(std::move(client)), home_(home), hub_(std::move(hub)) {
  queue_ = rd_kafka_queue_get_main(client_->rk());
}

Producer::~Producer() {
  TG_CHECK(bridge_ == nullptr);
  rd_kafka_queue_destroy(queue_);
}

void Producer::Start() {
  bridge_ = EventBridge::Open(home_, *this, shared_from_this());
  if (bridge_) bridge_->Watch(queue_);
}

void Producer::Stop() {
  home_.Post([self = shared_from_this()] {
    if (auto bridge = std::exchange(self->bridge_, nullptr)) bridge->Stop();
  });
}

bool Producer::OnEvents() {
  const auto self = shared_from_this();
  const auto hub = hub_.lock();
  if (!hub) return false;
  reports_.resize(std::max(reports_.size(), kWorkersMax));
  std::size_t taken = 0;
  bool more = false;
  while (true) {
    if (taken >= kPollBatchMax) {
      more = true;
      break;
    }
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, 0);
    if (event == nullptr) break;
    switch (rd_kafka_event_type(event)) {
      case RD_KAFKA_EVENT_DR:
        while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
          Take(*message);
          ++taken;
        }
        break;
      case RD_KAFKA_EVENT_ERROR:
        hub->shared()->monitor->Failed(rd_kafka_event_error(event),
                                       rd_kafka_event_error_string(event));
        if (rd_kafka_event_error_is_fatal(event)) hub->Retire(self, "the library calls it broken");
        ++taken;
        break;
      default: ++taken; break;
    }
    rd_kafka_event_destroy(event);
  }
  if (taken > 0) HandOut(*hub);
  return more;
}

void Producer::Take(const rd_kafka_message_t& message) {
  const Opaque opaque = Opaque::Unpack(message._private);
  if (opaque.generation == 0 || opaque.worker >= reports_.size()) return;
  Report report;
  report.slot = opaque.slot;
  report.generation = opaque.generation;
  report.code = message.err;
  report.message_status = rd_kafka_message_status(&message);
  reports_[opaque.worker].push_back(report);
}

void Producer::HandOut(ProducerHub& hub) {
  // Others first: their workers run while this one serves its own.
  for (std::size_t worker = 0; worker < reports_.size(); ++worker) {
    std::vector<Report>& batch = reports_[worker];
    if (batch.empty() || worker == home_.index()) continue;
    hub.workers_.at(worker).Post(
        [owner = hub.shared_from_this(), worker, reports = std::move(batch)] {
          owner->sink(worker)->OnReports(reports);
        });
    batch = std::vector<Report>();
  }
  std::vector<Report> own = std::move(reports_[home_.index()]);
  if (own.empty()) return;
  hub.sink(home_.index())->OnReports(own);
  own.clear();
  reports_[home_.index()] = std::move(own);  // keeps its capacity
}

// Looks every few seconds whether the producer is still needed.
class ProducerHub::Linger final : public net::WheelTimer {
 public:
  explicit Linger(std::weak_ptr<ProducerHub> hub) : hub_(std::move(hub)) {}
  void OnTimer() override {
    if (const auto hub = hub_.lock()) hub->CheckLinger();
  }

 private:
  std::weak_ptr<ProducerHub> hub_;
};

ProducerHub::ProducerHub(SharedPtr shared, net::WorkerPool& workers)
    : shared_(std::move(shared)), workers_(workers), sinks_(workers.size()),
      published_(workers.size()) {}

ProducerHub::~ProducerHub() {
  // A timer leaves its wheel on the wheel's own thread.
  if (linger_) home_->Post([linger = std::move(linger_)] {});
}

KafkaSink* ProducerHub::SinkFor(net::Worker& worker) {
  auto& sink = sinks_[worker.index()];
  if (!sink) {
    sink = std::make_unique<KafkaSink>(*this, worker, 1'000'000);
    published_[worker.index()].store(sink.get(), std::memory_order_release);
  }
  return sink.get();
}

ProducerPtr ProducerHub::Acquire(net::Worker& worker) {
  std::lock_guard lock(mutex_);
  if (current_) {
    ++current_->users_;
    return current_;
  }
  waiting_.push_back(static_cast<std::uint32_t>(worker.index()));
  if (!making_) {
    making_ = true;
    if (home_ == nullptr) home_ = &worker;
    Make();
  }
  return nullptr;
}

void ProducerHub::Make() {
  auto job = [self = shared_from_this(), home = home_] {
    ConfSpec spec;
    spec.role = Role::kProducer;
    auto client = Client::Make(self->shared_, spec);
    Status status = client.status();
    if (status.ok()) status = LogIn(self->shared_, **client);
    StatusOr<ProducerPtr> made = Cancelled("");
    if (status.ok()) {
      made = std::make_shared<Producer>(std::move(*client), *home, self->weak_from_this());
    } else {
      made = status;
    }
    home->Post([self, made = std::move(made)]() mutable { self->Made(std::move(made)); });
  };
  shared_->threads.Post(std::move(job), kCredentialsTimeout + 2 * kQueryTimeout);
}

void ProducerHub::Made(StatusOr<ProducerPtr> made) {
  std::vector<std::uint32_t> waiting;
  bool unwanted = false;
  Status status = made.status();
  if (made.ok()) {
    (*made)->Start();
    if ((*made)->bridge_ == nullptr) status = ResourceExhausted("kafka: no file descriptor left");
  }
  {
    std::lock_guard lock(mutex_);
    making_ = false;
    if (status.ok()) current_ = std::move(*made);
    waiting.swap(waiting_);
    unwanted = closed_;
  }
  if (!linger_) linger_ = std::make_unique<Linger>(weak_from_this());
  home_->wheel().Arm(*linger_, kLingerCheck);
  Notify(std::move(waiting), status);
  if (unwanted) RetireCurrent("the connector is gone");
}

void ProducerHub::Notify(std::vector<std::uint32_t> workers, const Status& status) {
  for (const std::uint32_t worker : workers) {
    workers_.at(worker).Post([self = shared_from_this(), worker, status] {
      self->sink(worker)->OnProducer(status);
    });
  }
}

void ProducerHub::CheckLinger() {
  std::int64_t last = 0;
  for (const auto& published : published_) {
    const KafkaSink* sink = published.load(std::memory_order_acquire);
    if (sink == nullptr) continue;
    if (sink->inflight() > 0) last = Clock::now().time_since_epoch().count();
    last = std::max(last, sink->last_used_ns());
  }
  const TimePoint used{std::chrono::nanoseconds(last)};
  if (Clock::now() - used > kClientLinger) {
    RetireCurrent("not used");
    return;
  }
  home_->wheel().Arm(*linger_, kLingerCheck);
}

void ProducerHub::Release(const ProducerPtr& producer) {
  std::lock_guard lock(mutex_);
  if (--producer->users_ == 0 && producer->retired_) producer->Stop();
}

void ProducerHub::Retire(const ProducerPtr& producer, const char* why) {
  {
    std::lock_guard lock(mutex_);
    if (producer->retired_) return;
    producer->retired_ = true;
    if (current_ == producer) current_ = nullptr;
    if (producer->users_ == 0) producer->Stop();
  }
  Log(LogLevel::kInfo, "kafka.producer_retired",
      {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()},
       {"cause", why}});
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    workers_.at(worker).Post([self = shared_from_this(), worker, producer] {
      KafkaSink* sink = self->sink(worker);
      if (sink != nullptr) sink->OnRetired(producer.get());
    });
  }
}

void ProducerHub::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  RetireCurrent("the connector is gone");
}

void ProducerHub::RetireCurrent(const char* why) {
  ProducerPtr producer;
  {
    std::lock_guard lock(mutex_);
    producer = current_;
  }
  if (producer) Retire(producer, why);
}

std::uint64_t ProducerHub::inflight() const {
  std::uint64_t sum = 0;
  for (const auto& published : published_) {
    const KafkaSink* sink = published.load(std::memory_order_acquire);
    if (sink != nullptr) sum += sink->inflight();
  }
  return sum;
}

}  // namespace tidegate::kafka
