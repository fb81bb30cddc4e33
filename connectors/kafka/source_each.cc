#include "connectors/kafka/source_each.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <unordered_map>

#include "connectors/kafka/each_handles.h"
#include "connectors/kafka/error_map.h"
#include "connectors/kafka/event_bridge.h"
#include "connectors/kafka/fetch_nudge.h"
#include "connectors/kafka/message_map.h"
#include "connectors/kafka/shelf.h"
#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::kafka {
namespace {

using connectors::Message;
using connectors::MessageBatch;
using connectors::Position;
using connectors::SourcePtr;
using connectors::SourceSpec;

constexpr auto kTick = std::chrono::seconds(5);
constexpr auto kLookEvery = std::chrono::seconds(30);
// a restarting broker may not know a topic
constexpr auto kMissingGrace = std::chrono::seconds(10);

// The state of one reader; kept alive by its bridge, by jobs and by a pending Next.
class EachCore final : public EventListener,
                       public net::WheelTimer,
                       public std::enable_shared_from_this<EachCore> {
 public:
  EachCore(SharedPtr shared, SourceSpec spec, net::Worker& worker)
      : shared_(std::move(shared)), spec_(std::move(spec)), worker_(worker) {}

  Status Begin(std::shared_ptr<EachHandles> handles, const Found& found);
  Task<StatusOr<std::size_t>> Next(MessageBatch& batch, std::uint32_t max);
  Task<void> Close();
  const Position& origin() const { return origin_; }
  Position HighWatermark() const;
  Position Reached() const;

  bool OnEvents() override;
  void OnTimer() override;

 private:
  struct Part {
    std::int64_t next = 0;  // everything before it was delivered, or is no message
    std::int64_t high = 0;  // the log's end, as far as known
  };
  struct Topic {
    std::string name;
    std::vector<Part> parts;
  };

  std::size_t Drain(MessageBatch& batch, std::uint32_t max);
  Topic& TopicOf(const rd_kafka_message_t& record);
  void TakeEnd(const rd_kafka_message_t& record);
  void TakeError(const rd_kafka_message_t& record);
  void Add(const Found& found);
  void LookAgain();
  void Looked(const StatusOr<Found>& found);
  void ShowLag();
  void Fail(Status status);

  const SharedPtr shared_;
  const SourceSpec spec_;
  net::Worker& worker_;
  std::shared_ptr<EachHandles> handles_;
  std::shared_ptr<EventBridge> bridge_;
  FetchNudge nudge_;
  Parking parking_;
  Position origin_;
  std::vector<std::unique_ptr<Topic>> topics_;  // names are views of messages: stable
  rd_kafka_message_t* ahead_ = nullptr;  // taken, but too much for the last batch
  const rd_kafka_topic_t* last_handle_ = nullptr;
  Topic* last_topic_ = nullptr;
  Status failed_;
  TimePoint looked_;
  TimePoint missing_since_;
  bool awaited_ = false;  // a topic does not exist yet
  bool looking_ = false;
  bool closed_ = false;
};

Status EachCore::Begin(std::shared_ptr<EachHandles> handles, const Found& found) {
  handles_ = std::move(handles);
  looked_ = Clock::now();
  awaited_ = !found.missing.empty();
  Add(found);
  bridge_ = EventBridge::Open(worker_, *this, shared_from_this());
  if (!bridge_) return ResourceExhausted("read kafka: no file descriptor left");
  bridge_->Watch(handles_->main_queue());
  bridge_->Watch(handles_->queue());
  worker_.wheel().Arm(*this, kTick);
  return OkStatus();
}

void EachCore::Add(const Found& found) {
  for (const Started& entry : found.started) {
    auto topic = std::find_if(topics_.begin(), topics_.end(), [&](const auto& known) {
      return known->name == entry.range.topic;
    });
    if (topic == topics_.end()) {
      auto added = std::make_unique<Topic>();
      added->name = entry.range.topic;
      topic = topics_.insert(topics_.end(), std::move(added));
    }
    const auto index = static_cast<std::size_t>(entry.range.partition);
    if ((*topic)->parts.size() > index) continue;
    (*topic)->parts.resize(index + 1);
    Part& part = (*topic)->parts[index];
    part.next = entry.start;
    part.high = entry.range.high;
    origin_.Set(entry.range.topic, entry.range.partition, entry.start - 1);
  }
}

Task<StatusOr<std::size_t>> EachCore::Next(MessageBatch& batch, std::uint32_t max) {
  const auto self = shared_from_this();
  while (true) {
    if (closed_) co_return Cancelled("read kafka: closed");
    if (!failed_.ok()) co_return failed_;
    const std::size_t taken = Drain(batch, max);
    if (taken > 0) co_return taken;
    if (!failed_.ok()) co_return failed_;
    co_await parking_.Wait();
  }
}

std::size_t EachCore::Drain(MessageBatch& batch, std::uint32_t max) {
  const std::size_t limit = std::min<std::size_t>(max, kPollBatchMax);
  const bool cut = shared_->config.consumer.remove_confluent_header;
  std::size_t taken = 0;
  std::size_t bytes = 0;
  while (taken < limit && failed_.ok()) {
    rd_kafka_message_t* record = std::exchange(ahead_, nullptr);
    if (record == nullptr) record = rd_kafka_consume_queue(handles_->queue(), 0);
    if (record == nullptr) {
      if (nudge_.Due()) nudge_.Ask(shared_, handles_->client());
      break;
    }
    if (record->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      TakeError(*record);
      rd_kafka_message_destroy(record);
      continue;
    }
    Topic& topic = TopicOf(*record);
    Message& message = batch.Add();
    FillMessage(*record, topic.name, cut, message);
    const std::size_t size = connectors::SizeOf(message);  // the library parses headers once only
    bytes += size;
    if (taken > 0 && bytes > connectors::kBatchBytesMax) {
      batch.DropLast();
      ahead_ = record;
      break;
    }
    const auto index = static_cast<std::size_t>(record->partition);
    if (index >= topic.parts.size()) topic.parts.resize(index + 1);
    Part& part = topic.parts[index];
    part.next = record->offset + 1;
    part.high = std::max(part.high, part.next);
    nudge_.Took(topic.name, record->partition, size);
    message.hold = HoldOf(record);
    ++taken;
  }
  if (taken > 0) shared_->monitor->Alive();
  return taken;
}

EachCore::Topic& EachCore::TopicOf(const rd_kafka_message_t& record) {
  if (record.rkt == last_handle_) return *last_topic_;
  const std::string_view name = rd_kafka_topic_name(record.rkt);
  auto topic = std::find_if(topics_.begin(), topics_.end(),
                            [&](const auto& known) { return known->name == name; });
  if (topic == topics_.end()) {
    // A look-up has started it and its result is still on the way to this worker.
    auto added = std::make_unique<Topic>();
    added->name = std::string(name);
    topic = topics_.insert(topics_.end(), std::move(added));
  }
  last_handle_ = record.rkt;
  last_topic_ = topic->get();
  return *last_topic_;
}

// The library has read up to this offset; what it found before it lies in front of this event. Not
// all of it are messages: transactions end in control records, compaction leaves gaps.
void EachCore::TakeEnd(const rd_kafka_message_t& record) {
  std::vector<Part>& parts = TopicOf(record).parts;
  const auto index = static_cast<std::size_t>(record.partition);
  if (index >= parts.size()) return;  // its look-up is still on the way to this worker
  parts[index].next = std::max(parts[index].next, record.offset);
}

void EachCore::TakeError(const rd_kafka_message_t& record) {
  const int code = record.err;
  if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    TakeEnd(record);
    return;
  }
  const std::string topic = record.rkt == nullptr ? "" : rd_kafka_topic_name(record.rkt);
  switch (ClassOfCode(code, true)) {
    case ErrorClass::kDestinationMissing:
      if (missing_since_ == TimePoint()) missing_since_ = Clock::now();
      LookAgain();
      return;
    case ErrorClass::kPositionUnavailable:
    case ErrorClass::kNotAuthorized:
    case ErrorClass::kAuthFailed:
    case ErrorClass::kFatal:
      Fail(ErrorOf(code, "read kafka topic", topic, true));
      return;
    default:  // the library repairs it; health says what it was
      shared_->monitor->Failed(code, rd_kafka_message_errstr(&record));
      return;
  }
}

void EachCore::Fail(Status status) {
  if (!failed_.ok()) return;
  Log(LogLevel::kWarn, "kafka.reader_failed",
      {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()},
       {"cause", MessageOf(status)}});
  failed_ = std::move(status);
}

bool EachCore::OnEvents() {
  rd_kafka_poll(handles_->rk(), 0);  // errors, by callback
  const auto self = shared_from_this();
  parking_.Wake();  // may close this reader
  return false;
}

void EachCore::OnTimer() {
  if (closed_) return;
  worker_.wheel().Arm(*this, kTick);
  ShowLag();
  const bool urgent = awaited_ || missing_since_ != TimePoint() ||
                      shared_->monitor->health().state != connectors::HealthState::kReady;
  if (urgent || Clock::now() - looked_ >= kLookEvery) LookAgain();
}

void EachCore::LookAgain() {
  if (looking_ || closed_) return;
  looking_ = true;
  looked_ = Clock::now();
  auto job = [self = shared_from_this(), handles = handles_] {
    auto found = handles->LookAgain(self->spec_.topics);
    self->worker_.Post([self, found = std::move(found)] { self->Looked(found); });
  };
  shared_->threads.Post(std::move(job), 3 * kQueryTimeout);
}

void EachCore::Looked(const StatusOr<Found>& found) {
  looking_ = false;
  if (closed_ || !found.ok()) return;  // asked again later
  Add(*found);
  awaited_ = !found->missing.empty();
  bool lost = false;  // a topic that was read is gone
  for (const std::string& name : found->missing) {
    lost = lost || std::any_of(topics_.begin(), topics_.end(),
                               [&](const auto& topic) { return topic->name == name; });
  }
  if (!lost) {
    missing_since_ = TimePoint();
    return;
  }
  if (missing_since_ == TimePoint()) missing_since_ = Clock::now();
  if (Clock::now() - missing_since_ < kMissingGrace) return;
  Fail(MakeError(ErrorClass::kDestinationMissing, "read kafka: a topic has been deleted"));
  parking_.Wake();
}

Position EachCore::HighWatermark() const {
  Position position;
  for (const auto& topic : topics_) {
    for (std::size_t i = 0; i < topic->parts.size(); ++i) {
      const auto partition = static_cast<std::int32_t>(i);
      std::int64_t low = 0;
      std::int64_t high = 0;
      if (closed_ || rd_kafka_get_watermark_offsets(handles_->rk(), topic->name.c_str(), partition,
                                                    &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        high = 0;
      }
      position.Set(topic->name, partition, std::max(high, topic->parts[i].high) - 1);
    }
  }
  return position;
}

Position EachCore::Reached() const {
  Position position;
  for (const auto& topic : topics_) {
    for (std::size_t i = 0; i < topic->parts.size(); ++i) {
      position.Set(topic->name, static_cast<std::int32_t>(i), topic->parts[i].next - 1);
    }
  }
  return position;
}

void EachCore::ShowLag() {
  const Position high = HighWatermark();
  std::vector<Monitor::TopicLag> lag;
  for (const auto& topic : topics_) {
    Monitor::TopicLag entry;
    entry.topic = topic->name;
    for (std::size_t i = 0; i < topic->parts.size(); ++i) {
      const auto* end = high.Find(topic->name, static_cast<std::int32_t>(i));
      entry.Add(std::max<std::int64_t>(0, end->offset + 1 - topic->parts[i].next));
    }
    lag.push_back(std::move(entry));
  }
  shared_->monitor->SetLag(this, std::move(lag));
}

Task<void> EachCore::Close() {
  const auto self = shared_from_this();
  if (closed_) co_return;
  closed_ = true;
  Cancel();
  shared_->monitor->DropLag(this);
  if (ahead_ != nullptr) rd_kafka_message_destroy(std::exchange(ahead_, nullptr));
  if (bridge_) bridge_->Stop();
  bridge_.reset();
  worker_.Post([self] { self->parking_.Wake(); });
  std::function<bool()> job = [handles = handles_] {
    handles->Shut();
    return true;
  };
  const auto shut = co_await shared_->threads.Run<bool>(worker_, std::move(job), kDestroyDeadline);
  ClientPtr client = handles_->client();
  handles_.reset();
  if (shut) worker_.Local<Shelf>(worker_).Put(shared_->monitor.get(), std::move(client));
}

class EachSource final : public connectors::Source {
 public:
  explicit EachSource(std::shared_ptr<EachCore> core) : core_(std::move(core)) {}

  Task<StatusOr<std::size_t>> Next(MessageBatch& batch, std::uint32_t max) override {
    return core_->Next(batch, max);
  }
  const Position& origin() const override { return core_->origin(); }
  std::optional<Position> HighWatermark() const override { return core_->HighWatermark(); }
  std::optional<Position> Reached() const override { return core_->Reached(); }
  Task<void> Close() override { return core_->Close(); }

 private:
  std::shared_ptr<EachCore> core_;
};

struct Opened {
  std::shared_ptr<EachHandles> handles;
  Found found;
};

}  // namespace

Task<StatusOr<SourcePtr>> OpenEach(SharedPtr shared, SourceSpec spec, net::Worker& worker) {
  ClientPtr client = worker.Local<Shelf>(worker).Take(shared->monitor.get());
  std::function<StatusOr<Opened>()> job = [shared, client = std::move(client),
                                           spec]() -> StatusOr<Opened> {
    Opened opened;
    TG_ASSIGN_OR_RETURN(opened.handles, EachHandles::Open(shared, client, spec, opened.found));
    return opened;
  };
  auto opened =
      co_await shared->threads.Run<StatusOr<Opened>>(worker, std::move(job), kOpenDeadline);
  if (!opened) {
    co_return MakeError(ErrorClass::kConnectFailed, "read kafka: no answer in time");
  }
  if (!opened->ok()) {
    shared->monitor->FailedToOpen(opened->status());
    co_return opened->status();
  }
  auto core = std::make_shared<EachCore>(shared, std::move(spec), worker);
  Status begun = core->Begin(std::move((*opened)->handles), (*opened)->found);
  SourcePtr source = std::make_unique<EachSource>(core);
  if (!begun.ok()) {
    co_await core->Close();
    co_return begun;
  }
  co_return source;
}

}  // namespace tidegate::kafka
