#include "connectors/rabbitmq/source_core.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "connectors/rabbitmq/source.h"
#include "server/base/codec.h"
#include "server/base/log.h"

namespace tidegate::rabbitmq {

using connectors::Ack;
using connectors::AckToken;
using connectors::Message;
using connectors::MessageBatch;
using connectors::NackKind;
using connectors::Qos;
using std::chrono::milliseconds;

// Brings acks to the worker: those of other threads together, one post for many.
class SourceCore::Acks final : public connectors::AckTarget {
 public:
  Acks(std::weak_ptr<SourceCore> core, net::Worker& worker)
      : core_(std::move(core)), worker_(worker) {}

  void OnAck(const AckToken& token) override { Bring(token, true, false); }
  void OnNack(const AckToken& token, NackKind kind) override {
    Bring(token, false, kind == NackKind::kRetry);
  }
  // What was said so far, without waiting for the post. On the worker.
  void Apply() {
    std::vector<Entry> entries;
    {
      const std::lock_guard lock(mutex_);
      entries.swap(entries_);
    }
    const auto core = core_.lock();
    if (core == nullptr) return;
    for (const Entry& one : entries) core->Settle(one.token, one.ack, one.requeue);
  }

 private:
  struct Entry {
    AckToken token;
    bool ack = false;
    bool requeue = false;
  };

  void Bring(const AckToken& token, bool ack, bool requeue) {
    if (worker_.IsCurrent()) {
      if (const auto core = core_.lock()) core->Settle(token, ack, requeue);
      return;
    }
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_.emplace_back();
    entry.token = token;
    entry.ack = ack;
    entry.requeue = requeue;
    if (entries_.size() > 1) return;
    AddRef();
    worker_.Post([this] {
      Apply();
      Release();
    });
  }

  const std::weak_ptr<SourceCore> core_;
  net::Worker& worker_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

namespace {

bool IsRefusal(const Status& status) {
  switch (ClassOf(status)) {
    case ErrorClass::kConfigInvalid:
    case ErrorClass::kAuthFailed:
    case ErrorClass::kNotAuthorized:
    case ErrorClass::kDestinationMissing:
    case ErrorClass::kTlsFailed: return true;
    default: return false;
  }
}

}  // namespace

SourceCore::SourceCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker)
    : shared_(std::move(shared)), spec_(std::move(spec)), worker_(worker), available_(worker),
      broken_(worker) {}

SourceCore::~SourceCore() {
  if (acks_ != nullptr) acks_->Release();
  if (!connection_) return;
  connection_->Detach();
  connection_->Abort();
  shared_->monitor->Disconnected();
}

Task<Status> SourceCore::Begin() {
  acks_ = new Acks(weak_from_this(), worker_);
  const RabbitmqConfig::Consumer& consumer = shared_->config.consumer;
  if (spec_.topics.empty()) {
    Destination configured;
    configured.exchange = consumer.exchange.name;
    configured.routing_key = consumer.routing_key;
    destinations_.push_back(std::move(configured));
  }
  if (spec_.topics.size() > kDestinationsMax) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read rabbitmq: too many destinations");
  }
  for (const std::string& text : spec_.topics) {
    auto destination = ParseDestination(text, consumer.exchange.name, true);
    if (!destination.ok()) {
      co_return MakeError(ErrorClass::kConfigInvalid, MessageOf(destination.status()));
    }
    destinations_.push_back(std::move(*destination));
  }
  Status status = co_await Establish();
  if (status.ok()) worker_.Spawn("rabbitmq.repair", Repair(shared_from_this()));
  co_return status;
}

Task<Status> SourceCore::Establish() {
  Monitor& monitor = *shared_->monitor;
  Forget();
  if (!connection_ || !connection_->open()) {
    monitor.Connecting();
    std::string name = "tidegate-consumer-" + monitor.api() + "-" + monitor.endpoint();
    const TimePoint deadline = Clock::now() + shared_->config.connect_timeout;
    auto opened = co_await Connection::Open(worker_, shared_, std::move(name), this, deadline);
    if (!opened.ok()) {
      monitor.ConnectFailed(opened.status());
      co_return opened.status();
    }
    if (closed_) {
      (*opened)->Detach();
      (*opened)->Abort();
      co_return Cancelled("read rabbitmq: the source is closed");
    }
    connection_ = std::move(*opened);
    monitor.Connected();
  }
  ConnectionPtr connection = connection_;
  Status status = co_await SetUp(connection);
  if (status.ok()) {
    established_at_ = Clock::now();
  } else {
    monitor.Refused(status);
  }
  co_return status;
}

std::uint16_t SourceCore::Prefetch() const {
  const std::uint16_t configured = shared_->config.consumer.prefetch;
  return spec_.qos == Qos::kAtMostOnce ? std::min(configured, kAtMostOnceAheadMax) : configured;
}

Task<Status> SourceCore::SetUp(ConnectionPtr connection) {
  const RabbitmqConfig::Consumer& consumer = shared_->config.consumer;
  Status status = co_await connection->OpenChannel();
  if (status.ok()) status = co_await connection->DeclareExchange(consumer.exchange);
  if (!status.ok()) co_return status;
  auto queue = co_await SetUpQueue(connection);
  if (!queue.ok()) co_return queue.status();
  status = co_await connection->SetPrefetch(Prefetch());
  if (status.ok()) status = co_await connection->Consume(std::move(*queue));
  co_return status;
}

QueueSpec SourceCore::QueueOf() const {
  const RabbitmqConfig::Consumer& consumer = shared_->config.consumer;
  QueueSpec queue;
  if (!grouped()) {
    queue.exclusive = true;
    queue.auto_delete = true;
    return queue;
  }
  queue.name = QueueName(spec_);
  queue.passive = consumer.declare == Declare::kPassive;
  if (spec_.qos == Qos::kNone) {
    queue.auto_delete = true;
    return queue;
  }
  queue.durable = true;
  queue.quorum = consumer.quorum;
  if (consumer.expires) queue.expires_ms = consumer.expires->count();
  queue.delivery_limit = consumer.delivery_limit;
  return queue;
}

Task<StatusOr<std::string>> SourceCore::SetUpQueue(ConnectionPtr connection) {
  const RabbitmqConfig::Consumer& consumer = shared_->config.consumer;
  const QueueSpec spec = QueueOf();
  if (grouped() && consumer.declare == Declare::kNone) co_return spec.name;
  auto queue = co_await connection->DeclareQueue(spec);
  if (!queue.ok() || spec.passive) co_return std::move(queue);
  const Status bound = co_await Bind(connection, *queue);
  if (!bound.ok()) co_return bound;
  co_return std::move(queue);
}

std::string SourceCore::BrokersNameOf(const std::string& queue) const {
  const RabbitmqConfig& config = shared_->config;
  return config.host + ":" + std::to_string(config.port) + " " + config.vhost + " " + queue;
}

Task<Status> SourceCore::Bind(ConnectionPtr connection, std::string queue) {
  std::vector<Binding> wanted;
  for (const Destination& destination : destinations_) {
    Binding& binding = wanted.emplace_back();
    binding.exchange = destination.exchange;
    binding.routing_key = destination.routing_key;
    binding.arguments = shared_->config.consumer.binding_arguments;
  }
  Bindings::Plan plan;
  // Ours alone, a queue goes with its bindings.
  if (grouped()) {
    plan = Bindings::OfProcess().Want(BrokersNameOf(queue), shared_->generation, wanted);
  }
  if (!plan.newest) co_return OkStatus();
  for (const Binding& binding : wanted) {
    const Status bound = co_await connection->BindQueue(queue, binding.exchange,
                                                        binding.routing_key, binding.arguments);
    if (!bound.ok()) co_return bound;
  }
  co_return co_await Unbind(connection, queue, std::move(plan.gone));
}

// What earlier settings of this endpoint have bound. A broker that refuses is asked once: reading
// is worth more than order at the broker.
Task<Status> SourceCore::Unbind(ConnectionPtr connection, std::string queue,
                                std::vector<Binding> gone) {
  for (const Binding& binding : gone) {
    const Status unbound = co_await connection->UnbindQueue(
        queue, binding.exchange, binding.routing_key, binding.arguments);
    if (!unbound.ok() && !connection->open()) co_return unbound;
    Bindings::OfProcess().Unbound(BrokersNameOf(queue), binding);
    Log(LogLevel::kInfo, unbound.ok() ? "rabbitmq.unbound" : "rabbitmq.unbind_refused",
        {{"api", shared_->monitor->api()},
         {"endpoint", shared_->monitor->endpoint()},
         {"queue", queue},
         {"cause", unbound.ok() ? "the settings have changed" : MessageOf(unbound)}});
    if (unbound.ok()) continue;
    const Status opened = co_await connection->OpenChannel();
    if (!opened.ok()) co_return opened;
  }
  co_return OkStatus();
}

Task<void> SourceCore::Repair(std::shared_ptr<SourceCore> self) {
  while (!self->closed_) {
    co_await self->broken_.Wait();
    if (self->closed_) break;
    Status status = co_await self->RepairOnce();
    if (self->closed_) break;
    if (status.ok()) continue;
    self->failed_ = std::move(status);
    self->available_.Set();
    break;
  }
}

Task<Status> SourceCore::RepairOnce() {
  int refusals = 0;
  // Where each connection ends soon after it was made, the pauses go on growing.
  if (Clock::now() - established_at_ >= kHealthyAfter) {
    backoff_.Reset();
  } else {
    co_await Pause();
  }
  while (!closed_) {
    broken_.Reset();
    Status status = co_await Establish();
    if (closed_ || status.ok()) co_return status;
    if (IsRefusal(status) && ++refusals >= kRefusalsMax) co_return status;
    co_await Pause();
  }
  co_return Cancelled("read rabbitmq: the source is closed");
}

// Losses meanwhile set the same event: only the time and Close end it.
Task<void> SourceCore::Pause() {
  const TimePoint until = Clock::now() + backoff_.Next(RandomUint64());
  while (!closed_ && Clock::now() < until) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    co_await broken_.WaitFor(left);
  }
}

void SourceCore::Forget() {
  ++generation_;
  window_ = AckWindow();
  ready_.clear();
  ready_bytes_ = 0;
}

Task<StatusOr<std::size_t>> SourceCore::Next(MessageBatch& batch, std::uint32_t max) {
  const std::shared_ptr<SourceCore> self = shared_from_this();
  while (true) {
    if (closed_) co_return Cancelled("read rabbitmq: the source is closed");
    if (!ready_.empty() && max > 0) {
      std::vector<DeliveryPtr> taken = Take(max);
      if (spec_.qos == Qos::kAtMostOnce) {
        const bool gone_out = co_await AckFirst(taken);
        if (!gone_out) continue;
      }
      const std::size_t count = taken.size();
      Fill(std::move(taken), batch);
      Throttle();
      co_return count;
    }
    if (!failed_.ok()) co_return failed_;
    co_await available_.Wait();
  }
}

std::vector<DeliveryPtr> SourceCore::Take(std::uint32_t max) {
  std::vector<DeliveryPtr> taken;
  taken.reserve(std::min<std::size_t>(max, ready_.size()));
  std::size_t bytes = 0;
  while (!ready_.empty() && taken.size() < max) {
    bytes += ready_.front()->bytes();
    if (!taken.empty() && bytes > connectors::kBatchBytesMax) break;
    ready_bytes_ -= ready_.front()->bytes();
    taken.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  return taken;
}

// At-most-once: the broker has taken the acknowledgement before anybody sees the message. A channel
// is served in order, so the answer to any request after it says so.
Task<bool> SourceCore::AckFirst(const std::vector<DeliveryPtr>& taken) {
  const std::uint64_t generation = generation_;
  const ConnectionPtr connection = connection_;
  if (!connection || !connection->channel_open()) co_return false;
  connection->Ack(taken.back()->tag, true);
  const Status answered = co_await connection->SetPrefetch(Prefetch());
  if (!answered.ok() && connection->open() && generation == generation_) {
    // The channel ended instead of answering; that is told to whoever awaited the answer.
    Forget();
    broken_.Set();
  }
  co_return answered.ok() && generation == generation_ && !closed_;
}

void SourceCore::Fill(std::vector<DeliveryPtr> taken, MessageBatch& batch) {
  const bool auto_ack = spec_.qos == Qos::kAuto || spec_.qos == Qos::kNone;
  if (auto_ack && connection_) connection_->Ack(taken.back()->tag, true);
  for (DeliveryPtr& delivery : taken) {
    Message& message = batch.Add();
    message.content = delivery->body;
    message.headers.assign(delivery->headers.begin(), delivery->headers.end());
    message.metadata = delivery->metadata;
    message.timestamp_ms = delivery->timestamp_ms;
    message.redelivered = delivery->redelivered;
    shared_->monitor->Delivered(delivery->redelivered);
    if (manual()) {
      AckToken token;
      token.generation = generation_;
      token.tag = static_cast<std::int64_t>(delivery->tag);
      message.ack = Ack(*acks_, token);
    }
    Delivery* raw = delivery.release();
    message.hold = raw->ToHold();
  }
}

// A message is at most kMessageBytesMax; a prefetch of them would be gigabytes.
void SourceCore::Throttle() {
  if (!connection_) return;
  if (ready_bytes_ > kReadAheadBytesMax) {
    connection_->PauseReading(true);
  } else if (ready_bytes_ <= kReadAheadBytesMax / 2) {
    connection_->PauseReading(false);
  }
}

void SourceCore::Settle(const AckToken& token, bool ack, bool requeue) {
  if (closed_ || token.generation != generation_ || !connection_) return;
  const auto tag = static_cast<std::uint64_t>(token.tag);
  if (!ack) {
    if (window_.Nack(tag)) connection_->Nack(tag, requeue);
    return;
  }
  if (window_.Ack(tag)) ScheduleAcks();
}

// Acks of one turn of the worker go out together.
void SourceCore::ScheduleAcks() {
  if (acks_scheduled_) return;
  acks_scheduled_ = true;
  worker_.Post([self = shared_from_this()] {
    self->acks_scheduled_ = false;
    self->FlushAcks();
  });
}

void SourceCore::FlushAcks() {
  if (!connection_ || !window_.has_acks()) return;
  for (const AckWindow::Out& out : window_.Flush()) connection_->Ack(out.tag, out.multiple);
}

void SourceCore::OnDelivery(DeliveryPtr delivery) {
  if (manual()) window_.Delivered();
  ready_bytes_ += delivery->bytes();
  ready_.push_back(std::move(delivery));
  Throttle();
  available_.Set();
}

void SourceCore::OnOversized(std::uint64_t tag) {
  if (manual()) {
    window_.Delivered();
    window_.Nack(tag);
  }
  shared_->monitor->Dropped();
  connection_->Nack(tag, false);
}

void SourceCore::OnChannelLost(const CloseReason& reason) {
  shared_->monitor->Refused(ChannelError("read rabbitmq", reason));
  Forget();
  broken_.Set();
}

// The queue was deleted: begin anew, with a queue of the same name.
void SourceCore::OnCancelled() {
  const ConnectionPtr connection = std::exchange(connection_, nullptr);
  if (!connection) return;
  connection->Detach();
  connection->Abort();
  shared_->monitor->Lost(
      MakeError(ErrorClass::kDestinationMissing, "read rabbitmq: the queue was deleted"));
  Forget();
  broken_.Set();
}

void SourceCore::OnLost(const Status& why) {
  connection_.reset();
  shared_->monitor->Lost(why);
  Forget();
  broken_.Set();
}

Task<void> SourceCore::Close(std::shared_ptr<SourceCore> self) {
  if (self->closed_) co_return;
  if (self->acks_ != nullptr) self->acks_->Apply();
  self->FlushAcks();
  self->closed_ = true;
  self->Forget();
  self->available_.Set();
  self->broken_.Set();
  const ConnectionPtr connection = std::exchange(self->connection_, nullptr);
  if (!connection) co_return;
  self->shared_->monitor->Disconnected();
  co_await connection->Close();
}

}  // namespace tidegate::rabbitmq
