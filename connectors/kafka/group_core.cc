#include "connectors/kafka/group_core.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "connectors/kafka/error_map.h"
#include "connectors/kafka/message_map.h"
#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::kafka {

using connectors::Message;
using connectors::MessageBatch;
using connectors::Qos;
using connectors::Start;

namespace {

constexpr auto kTick = std::chrono::seconds(1);       // commits at least this often
constexpr std::size_t kCommitAfter = 100;             // settled messages of one partition
constexpr auto kRevokeWait = std::chrono::seconds(2);  // for messages of a revoked partition
constexpr auto kCommitWait = std::chrono::seconds(2);
constexpr auto kLookEvery = std::chrono::seconds(30);
constexpr std::size_t kEventsPerTurn = 64;

}  // namespace

connectors::Hold Kept::NewHold() {
  references_.fetch_add(1, std::memory_order_relaxed);
  return connectors::Hold(this, [](void* object) { static_cast<Kept*>(object)->Release(); });
}

void Kept::Release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

Kept::~Kept() { rd_kafka_message_destroy(record_); }

// Brings acks to the worker; the counted target of handles.
class GroupCore::Acks final : public connectors::AckTarget {
 public:
  explicit Acks(GroupCore& core) : core_(core.weak_from_this()), worker_(core.worker_) {}
  void OnAck(const connectors::AckToken& token) override { Bring(token, false); }
  void OnNack(const connectors::AckToken& token, connectors::NackKind kind) override {
    Bring(token, kind == connectors::NackKind::kRetry);
  }

 private:
  void Bring(const connectors::AckToken& token, bool again) {
    auto core = core_.lock();
    if (!core) return;
    if (worker_.IsCurrent()) {
      core->Settle(token, again);
    } else {
      worker_.Post([core, token, again] { core->Settle(token, again); });
    }
  }
  const std::weak_ptr<GroupCore> core_;
  net::Worker& worker_;
};

GroupCore::GroupCore(SharedPtr shared, connectors::SourceSpec spec, net::Worker& worker)
    : shared_(std::move(shared)), spec_(std::move(spec)), worker_(worker) {}

GroupCore::~GroupCore() {
  for (const LanePtr& lane : lanes_) ForgetKept(*lane);
  if (acks_ != nullptr) acks_->Release();
}

Status GroupCore::Begin(std::shared_ptr<GroupHandles> handles) {
  handles_ = std::move(handles);
  acks_ = new Acks(*this);
  looked_ = Clock::now();
  bridge_ = EventBridge::Open(worker_, *this, shared_from_this());
  if (!bridge_) return ResourceExhausted("read kafka: no file descriptor left");
  bridge_->Watch(handles_->membership());
  bridge_->Watch(handles_->commits());
  bridge_->Watch(handles_->records());
  worker_.wheel().Arm(*this, kTick);
  return OkStatus();
}

Task<StatusOr<std::size_t>> GroupCore::Next(MessageBatch& batch, std::uint32_t max) {
  const auto self = shared_from_this();
  const std::size_t limit = std::min<std::size_t>(max, kPollBatchMax);
  while (true) {
    if (closed_) co_return Cancelled("read kafka: closed");
    if (!failed_.ok()) co_return failed_;
    std::size_t bytes = 0;
    std::size_t taken = DrainRetries(batch, limit, bytes);
    if (taken < limit) taken += Drain(batch, limit - taken, bytes);
    if (taken > 0 && spec_.qos == Qos::kAtMostOnce) {
      Status committed = co_await CommitBeforeHandOver();
      if (!committed.ok()) {
        batch.Clear();
        if (closed_) co_return Cancelled("read kafka: closed");
        if (ClassOf(committed) != ErrorClass::kConnectionClosed) co_return committed;
        continue;  // another member has them now
      }
    }
    if (taken > 0) co_return taken;
    if (!failed_.ok()) co_return failed_;
    co_await parking_.Wait();
  }
}

bool GroupCore::AnyLaneFull() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const LanePtr& lane) { return lane->window.full(); });
}

std::size_t GroupCore::Drain(MessageBatch& batch, std::size_t limit, std::size_t bytes) {
  std::size_t taken = 0;
  while (taken < limit && failed_.ok()) {
    if (NeedsAcks() && AnyLaneFull()) break;  // its head is stuck: wait for it to settle
    rd_kafka_message_t* record = std::exchange(ahead_, nullptr);
    if (record == nullptr) record = rd_kafka_consume_queue(handles_->records(), 0);
    if (record == nullptr) {
      if (nudge_.Due()) nudge_.Ask(shared_, handles_->client());
      break;
    }
    Lane* lane = record->err == RD_KAFKA_RESP_ERR_NO_ERROR ? LaneOf(*record) : nullptr;
    if (lane == nullptr) {
      // An error, or a record of a partition that is being given up: its next owner reads it.
      if (record->err != RD_KAFKA_RESP_ERR_NO_ERROR) TakeError(*record);
      rd_kafka_message_destroy(record);
      continue;
    }
    const std::size_t size = SizeOf(*record);
    bytes += size;
    if (!batch.empty() && bytes > connectors::kBatchBytesMax) {
      ahead_ = record;
      break;
    }
    nudge_.Took(lane->topic, lane->partition, size);
    Deliver(*lane, record, batch);
    ++taken;
  }
  if (taken > 0) shared_->monitor->Alive();
  return taken;
}

void GroupCore::Deliver(Lane& lane, rd_kafka_message_t* record, MessageBatch& batch) {
  const std::int64_t offset = record->offset;
  if (!lane.window.Delivered(offset)) {
    Restart(lane, offset);
    lane.window.Delivered(offset);
  }
  auto* kept = new Kept(handles_->client(), record);
  if (NeedsAcks()) {
    lane.kept.emplace(offset, kept);
    Fill(lane, *kept, batch);
    return;
  }
  Fill(lane, *kept, batch);
  kept->Release();
  lane.window.Settle(offset);  // auto: on hand-over; at-most-once: committed before it
}

void GroupCore::Restart(Lane& lane, std::int64_t offset) {
  Log(LogLevel::kWarn, "kafka.offset_went_back",
      {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()},
       {"topic", lane.topic}, {"partition", std::to_string(lane.partition)},
       {"offset", std::to_string(offset)}});
  ForgetKept(lane);
  lane.window = AckWindow();
  lane.number = ++next_lane_;  // acknowledgements of what came before are ignored
}

void GroupCore::Fill(Lane& lane, Kept& kept, MessageBatch& batch) {
  Message& message = batch.Add();
  const std::string& topic = topics_.emplace(lane.topic, lane.topic).first->second;
  FillMessage(kept.record(), topic, shared_->config.consumer.remove_confluent_header, message);
  message.hold = kept.NewHold();
  if (!NeedsAcks()) return;
  connectors::AckToken token;
  token.generation = generation_;
  token.lane = lane.number;
  token.tag = kept.record().offset;
  message.ack = connectors::Ack(*acks_, token);
}

std::size_t GroupCore::DrainRetries(MessageBatch& batch, std::size_t limit, std::size_t& bytes) {
  std::size_t taken = 0;
  while (taken < limit && !retries_.empty()) {
    const Retry retry = retries_.front();
    retries_.pop_front();
    for (const LanePtr& lane : lanes_) {
      if (lane->number != retry.lane || !lane->delivering) continue;
      const auto kept = lane->kept.find(retry.offset);
      if (kept == lane->kept.end()) continue;
      bytes += SizeOf(kept->second->record());
      if (taken > 0 && bytes > connectors::kBatchBytesMax) {
        retries_.push_front(retry);
        return taken;
      }
      Fill(*lane, *kept->second, batch);
      batch[batch.size() - 1].redelivered = true;
      ++taken;
    }
  }
  return taken;
}

GroupCore::Lane* GroupCore::LaneOf(const rd_kafka_message_t& record) {
  const std::string_view topic = rd_kafka_topic_name(record.rkt);
  const auto fits = [&](const Lane& lane) {
    return lane.partition == record.partition && lane.topic == topic;
  };
  if (last_lane_ == nullptr || !fits(*last_lane_)) {
    const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                    [&](const LanePtr& lane) { return fits(*lane); });
    if (found == lanes_.end()) return nullptr;
    last_lane_ = found->get();
  }
  return last_lane_->delivering ? last_lane_ : nullptr;
}

void GroupCore::Settle(const connectors::AckToken& token, bool again) {
  const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const LanePtr& lane) {
    return lane->number == token.lane;
  });
  if (closed_ || found == lanes_.end()) return;  // of an older assignment
  Lane& lane = **found;
  const auto kept = lane.kept.find(token.tag);
  if (kept == lane.kept.end()) return;
  if (again) {
    Retry retry;
    retry.lane = lane.number;
    retry.offset = token.tag;
    retries_.push_back(retry);
  } else {
    kept->second->Release();
    lane.kept.erase(kept);
    lane.window.Settle(token.tag);
    if (lane.window.uncommitted() >= kCommitAfter && commits_ == commits_answered_) Commit();
  }
  // Room in the window, or something to deliver again. Never from within the settling caller.
  if (parking_.waiting()) {
    worker_.Post([self = shared_from_this()] { self->parking_.Wake(); });
  }
}

void GroupCore::TakeError(const rd_kafka_message_t& record) {
  const int code = record.err;
  if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) return;
  const std::string topic = record.rkt == nullptr ? "" : rd_kafka_topic_name(record.rkt);
  const ErrorClass error_class = ClassOfCode(code, true);
  const bool missing = error_class == ErrorClass::kDestinationMissing;
  if ((missing && shared_->config.consumer.check_topic_existence) ||
      error_class == ErrorClass::kPositionUnavailable ||
      error_class == ErrorClass::kNotAuthorized || error_class == ErrorClass::kAuthFailed ||
      error_class == ErrorClass::kFatal) {
    if (!failed_.ok()) return;
    failed_ = ErrorOf(code, "read kafka topic", topic, true);
    Log(LogLevel::kWarn, "kafka.group_failed",
        {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()},
         {"cause", MessageOf(failed_)}});
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) TG_BUG("kafka: a group was not polled");
  shared_->monitor->Failed(code, rd_kafka_message_errstr(&record));
}

bool GroupCore::OnEvents() {
  const auto self = shared_from_this();
  bool more = true;
  for (std::size_t i = 0; more && i < kEventsPerTurn; ++i) {
    rd_kafka_message_t* record = rd_kafka_consumer_poll(handles_->rk(), 0);  // rebalances too
    more = record != nullptr;
    if (record == nullptr) break;
    if (record->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      TakeError(*record);
    } else {
      TG_BUG("kafka: a record outside its queue");
    }
    rd_kafka_message_destroy(record);
  }
  TakeCommits();
  parking_.Wake();  // may close this source
  return more && !self->closed_;
}

void GroupCore::OnTimer() {
  if (closed_) return;
  worker_.wheel().Arm(*this, kTick);
  if (commits_ == commits_answered_) Commit();
  ShowLag();
  if (Clock::now() - looked_ >= kLookEvery) {
    looked_ = Clock::now();
    shared_->threads.Post([handles = handles_, self = shared_from_this()] { handles->LookAgain(); },
                          2 * kQueryTimeout);
  }
  OnEvents();  // membership is lost when nobody polls
}

void GroupCore::OnAssigned(std::vector<GroupPartition> partitions) {
  ++generation_;
  for (GroupPartition& entry : partitions) {
    auto lane = std::make_unique<Lane>();
    lane->topic = entry.topic;
    lane->partition = entry.partition;
    lane->number = ++next_lane_;
    lanes_.push_back(std::move(lane));
    const auto* wanted = spec_.start == Start::kPosition && !started_
                             ? spec_.position.Find(entry.topic, entry.partition)
                             : nullptr;
    if (wanted != nullptr) entry.offset = wanted->offset + 1;
    if (spec_.start == Start::kLatest && !started_) entry.offset = RD_KAFKA_OFFSET_END;
  }
  started_ = started_ || !partitions.empty();
  Log(LogLevel::kInfo, "kafka.assigned",
      {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()},
       {"partitions", std::to_string(partitions.size())}});
  auto job = [handles = handles_, self = shared_from_this(), partitions = std::move(partitions)] {
    handles->Assign(partitions);
  };
  shared_->threads.Post(std::move(job), kDestroyDeadline);
}

void GroupCore::OnRevoked(std::vector<GroupPartition> partitions, bool lost) {
  for (Lane* lane : LanesOf(partitions)) lane->delivering = false;
  ++rebalancing_;
  worker_.Spawn("kafka.give_up", GiveUp(std::move(partitions), lost));
}

Task<void> GroupCore::GiveUp(std::vector<GroupPartition> partitions, bool lost) {
  const auto self = shared_from_this();
  const TimePoint deadline = Clock::now() + kRevokeWait;
  while (!lost && !closed_ && Clock::now() < deadline) {
    const std::vector<Lane*> lanes = LanesOf(partitions);
    const bool settled = std::all_of(lanes.begin(), lanes.end(), [](const Lane* lane) {
      return lane->window.outstanding() == 0;
    });
    if (settled) break;
    co_await worker_.wheel().Sleep(kWheelTick);
  }
  if (!lost) {
    const TimePoint until = Clock::now() + kCommitWait;
    co_await CommitAndWait(until);
  }
  Drop(partitions);
  Log(LogLevel::kInfo, "kafka.revoked",
      {{"api", shared_->monitor->api()}, {"endpoint", shared_->monitor->endpoint()},
       {"partitions", std::to_string(partitions.size())}, {"lost", lost ? "true" : "false"}});
  std::function<bool()> job = [handles = handles_, partitions = std::move(partitions)] {
    handles->Unassign(partitions);
    return true;
  };
  co_await shared_->threads.Run<bool>(worker_, std::move(job), kDestroyDeadline);
  --rebalancing_;
}

std::vector<GroupCore::Lane*> GroupCore::LanesOf(const std::vector<GroupPartition>& partitions) {
  std::vector<Lane*> lanes;
  for (const LanePtr& lane : lanes_) {
    const bool named = std::any_of(partitions.begin(), partitions.end(), [&](const auto& entry) {
      return entry.partition == lane->partition && entry.topic == lane->topic;
    });
    if (named) lanes.push_back(lane.get());
  }
  return lanes;
}

void GroupCore::Drop(const std::vector<GroupPartition>& partitions) {
  if (ahead_ != nullptr && LaneOf(*ahead_) == nullptr) {  // whoever gets it next reads it again
    rd_kafka_message_destroy(std::exchange(ahead_, nullptr));
  }
  last_lane_ = nullptr;
  for (Lane* gone : LanesOf(partitions)) {
    ForgetKept(*gone);
    std::erase_if(lanes_, [&](const LanePtr& lane) { return lane.get() == gone; });
  }
}

void GroupCore::ForgetKept(Lane& lane) {
  for (const auto& entry : lane.kept) entry.second->Release();
  lane.kept.clear();
}

Task<void> GroupCore::Close() {
  const auto self = shared_from_this();
  if (closed_) co_return;
  const TimePoint deadline = Clock::now() + kCommitWait;
  // The last commit of what was settled, while acks still count.
  co_await CommitAndWait(deadline);
  closed_ = true;
  Cancel();
  shared_->monitor->DropLag(this);
  while (rebalancing_ > 0 && Clock::now() < deadline) co_await worker_.wheel().Sleep(kWheelTick);
  if (ahead_ != nullptr) rd_kafka_message_destroy(std::exchange(ahead_, nullptr));
  if (bridge_) bridge_->Stop();
  bridge_.reset();
  worker_.Post([self] { self->parking_.Wake(); });
  for (const LanePtr& lane : lanes_) ForgetKept(*lane);
  lanes_.clear();
  last_lane_ = nullptr;
  std::function<bool()> job = [handles = handles_, self] {
    handles->Leave();
    return true;
  };
  co_await shared_->threads.Run<bool>(worker_, std::move(job), 2 * kDestroyDeadline);
}

}  // namespace tidegate::kafka
