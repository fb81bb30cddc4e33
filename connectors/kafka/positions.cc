#include "connectors/kafka/positions.h"

#include <librdkafka/rdkafka.h>

#include "connectors/kafka/error_map.h"
#include "connectors/kafka/topics.h"
#include "server/base/limits.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;

constexpr auto kCallDeadline = std::chrono::seconds(5);
constexpr auto kLingerCheck = std::chrono::seconds(10);
constexpr auto kKnownFor = std::chrono::seconds(30);
constexpr int kRequestTimeoutMs = 4500;  // the library's answer comes before our deadline

// The handle that looks topics up; freed when the last call that uses it has ended.
struct Admin {
  ClientPtr client;
  std::atomic<int> calls{0};
};
using AdminPtr = std::shared_ptr<Admin>;

// Nobody joins on the handles that only look and commit.
void IgnoreRebalance(rd_kafka_t*, int, rd_kafka_topic_partition_list_t*, void*) {}

// Committed offsets name the next record; a position the last one seen.
Status ReadOffsets(const rd_kafka_topic_partition_list_t* list, Position& position) {
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& entry = list->elems[i];
    if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return ErrorOf(entry.err, "kafka group offsets of", entry.topic, true);
    }
    if (entry.offset >= 0) position.Set(entry.topic, entry.partition, entry.offset - 1);
  }
  return OkStatus();
}

}  // namespace

class Positions::Hub final : public std::enable_shared_from_this<Hub> {
 public:
  explicit Hub(SharedPtr shared) : shared_(std::move(shared)) {}
  ~Hub() {
    if (timer_) home_->Post([timer = std::move(timer_)] {});
  }

  // The handle, with one more call counted.
  Task<StatusOr<AdminPtr>> Get(net::Worker& worker);
  // The partitions of the endpoint's topics, looked up at most every 30 s once they were found.
  Task<StatusOr<std::vector<TopicPartitions>>> Known(AdminPtr admin, net::Worker& worker);
  // (control) What the group has committed of these partitions.
  StatusOr<Position> Committed(const std::string& name,
                               const std::vector<TopicPartitions>& topics) const;
  // (control) Commits for a group that nobody has joined.
  Status Commit(const std::string& name, const Position& position) const;
  const SharedPtr& shared() const { return shared_; }
  void Drop();

 private:
  struct LingerTimer final : net::WheelTimer {
    explicit LingerTimer(std::weak_ptr<Hub> owner) : hub(std::move(owner)) {}
    void OnTimer() override {
      if (const auto owner = hub.lock()) owner->CheckLinger();
    }
    std::weak_ptr<Hub> hub;
  };

  StatusOr<AdminPtr> Make() const;
  void Begin();
  void CheckLinger();

  const SharedPtr shared_;
  std::mutex mutex_;
  AdminPtr current_;
  bool making_ = false;
  net::Worker* home_ = nullptr;
  TimePoint used_;
  std::vector<TopicPartitions> known_;
  TimePoint known_at_;
  std::unique_ptr<LingerTimer> timer_;  // home worker only
};

StatusOr<AdminPtr> Positions::Hub::Make() const {
  ConfSpec spec;
  spec.role = Role::kEach;
  auto admin = std::make_shared<Admin>();
  TG_ASSIGN_OR_RETURN(admin->client, Client::Make(shared_, spec));
  return admin;
}

Task<StatusOr<AdminPtr>> Positions::Hub::Get(net::Worker& worker) {
  const auto self = shared_from_this();
  const TimePoint deadline = Clock::now() + kCallDeadline;
  while (true) {
    bool make = false;
    {
      std::lock_guard lock(mutex_);
      used_ = Clock::now();
      if (current_) {
        current_->calls.fetch_add(1);
        co_return current_;
      }
      make = !std::exchange(making_, true);
      if (home_ == nullptr) home_ = &worker;
    }
    if (!make) {
      // Another worker makes it: rare enough to look again instead of queueing.
      if (Clock::now() > deadline) co_return MakeError(ErrorClass::kTimeout, "kafka admin: busy");
      co_await worker.wheel().Sleep(kWheelTick);
      continue;
    }
    std::function<StatusOr<AdminPtr>()> job = [self] { return self->Make(); };
    auto made =
        co_await shared_->threads.Run<StatusOr<AdminPtr>>(worker, std::move(job), kCallDeadline);
    std::lock_guard lock(mutex_);
    making_ = false;
    if (!made) co_return MakeError(ErrorClass::kTimeout, "kafka admin: no client in time");
    if (!made->ok()) co_return made->status();
    current_ = **made;
    home_->Post([self] { self->Begin(); });
    current_->calls.fetch_add(1);
    co_return current_;
  }
}

void Positions::Hub::Begin() {
  if (!timer_) timer_ = std::make_unique<LingerTimer>(weak_from_this());
  home_->wheel().Arm(*timer_, kLingerCheck);
}

void Positions::Hub::CheckLinger() {
  std::lock_guard lock(mutex_);
  if (!current_) return;
  if (current_->calls.load() > 0 || Clock::now() - used_ < kClientLinger) {
    home_->wheel().Arm(*timer_, kLingerCheck);
    return;
  }
  current_ = nullptr;
}

void Positions::Hub::Drop() {
  std::lock_guard lock(mutex_);
  current_ = nullptr;
}

Positions::Positions(SharedPtr shared) : hub_(std::make_shared<Hub>(std::move(shared))) {}
Positions::~Positions() { Drop(); }
void Positions::Drop() { hub_->Drop(); }

// Both use a handle of their own that never joins, because the admin calls for group offsets of
// librdkafka 2.0.2 can end the process: ListConsumerGroupOffsets when the coordinator answers with
// an error that is worth a retry (its parser hands the retry a request that is not there), as every
// restarted broker does for a moment; AlterConsumerGroupOffsets by an assertion
// (rd_kafka_enq_once_del_source_return) when it times out while the broker is away.
StatusOr<Position> Positions::Hub::Committed(const std::string& name,
                                             const std::vector<TopicPartitions>& topics) const {
  ConfSpec spec;
  spec.role = Role::kGroup;
  spec.group = name;
  TG_ASSIGN_OR_RETURN(const ClientPtr client, Client::Make(shared_, spec, IgnoreRebalance));
  std::unique_ptr<rd_kafka_topic_partition_list_t, void (*)(rd_kafka_topic_partition_list_t*)> list(
      rd_kafka_topic_partition_list_new(8), rd_kafka_topic_partition_list_destroy);
  for (const TopicPartitions& topic : topics) {
    if (topic.partitions == 0) continue;
    rd_kafka_topic_partition_list_add_range(list.get(), topic.topic.c_str(), 0,
                                            topic.partitions - 1);
  }
  Position position;
  if (list->cnt == 0) return position;
  const rd_kafka_resp_err_t code =
      rd_kafka_committed(client->rk(), list.get(), kRequestTimeoutMs);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(code, "load kafka position", "", shared_->monitor->connected());
  }
  TG_RETURN_IF_ERROR(ReadOffsets(list.get(), position));
  return position;
}

Status Positions::Hub::Commit(const std::string& name, const Position& position) const {
  ConfSpec spec;
  spec.role = Role::kGroup;
  spec.group = name;
  TG_ASSIGN_OR_RETURN(const ClientPtr client, Client::Make(shared_, spec, IgnoreRebalance));
  std::unique_ptr<rd_kafka_topic_partition_list_t, void (*)(rd_kafka_topic_partition_list_t*)> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(position.entries().size())),
      rd_kafka_topic_partition_list_destroy);
  for (const Position::Entry& entry : position.entries()) {
    rd_kafka_topic_partition_list_add(list.get(), entry.topic.c_str(), entry.partition)->offset =
        entry.offset + 1;  // a group's offset is the next to read
  }
  // Not the synchronous call: it has no deadline.
  std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue(
      rd_kafka_queue_new(client->rk()), rd_kafka_queue_destroy);
  rd_kafka_resp_err_t code =
      rd_kafka_commit_queue(client->rk(), list.get(), queue.get(), nullptr, nullptr);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(code, "store kafka position", "", shared_->monitor->connected());
  }
  std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)> event(
      rd_kafka_queue_poll(queue.get(), kRequestTimeoutMs), rd_kafka_event_destroy);
  if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_OFFSET_COMMIT) {
    return MakeError(ErrorClass::kTimeout, "store kafka position: no answer");
  }
  code = rd_kafka_event_error(event.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(code, "store kafka position", "", shared_->monitor->connected());
  }
  Position stored;
  return ReadOffsets(rd_kafka_event_topic_partition_list(event.get()), stored);
}

Task<StatusOr<std::vector<TopicPartitions>>> Positions::Hub::Known(AdminPtr admin,
                                                                   net::Worker& worker) {
  using Topics = StatusOr<std::vector<TopicPartitions>>;
  const auto self = shared_from_this();
  {
    std::lock_guard lock(mutex_);
    if (known_at_ != TimePoint() && Clock::now() - known_at_ < kKnownFor) co_return known_;
  }
  std::function<Topics()> job = [self, admin] {
    return FindTopics(admin->client->rk(), self->shared_, {});
  };
  auto found = co_await shared_->threads.Run<Topics>(worker, std::move(job), kCallDeadline);
  if (!found) co_return MakeError(ErrorClass::kTimeout, "load kafka position: no answer");
  if (!found->ok()) co_return found->status();
  std::lock_guard lock(mutex_);
  known_ = **found;
  known_at_ = Clock::now();
  co_return known_;
}

Task<StatusOr<std::optional<Position>>> Positions::Load(std::string name, net::Worker& worker) {
  const auto hub = hub_;
  auto admin = co_await hub->Get(worker);
  if (!admin.ok()) co_return admin.status();
  auto topics = co_await hub->Known(*admin, worker);
  (*admin)->calls.fetch_sub(1);
  if (!topics.ok()) co_return topics.status();
  if (topics->empty()) co_return std::optional<Position>();  // no topic fits the pattern yet
  std::function<StatusOr<Position>()> job = [hub, name, topics = std::move(*topics)] {
    return hub->Committed(name, topics);
  };
  auto loaded = co_await hub->shared()->threads.Run<StatusOr<Position>>(worker, std::move(job),
                                                                        kCallDeadline);
  if (!loaded) co_return MakeError(ErrorClass::kTimeout, "load kafka position: no answer");
  if (!loaded->ok()) co_return loaded->status();
  std::optional<Position> found;
  if (!(*loaded)->empty()) found = std::move(**loaded);
  co_return found;
}

Task<Status> Positions::Store(std::string name, Position position, net::Worker& worker) {
  if (position.empty()) co_return OkStatus();
  const auto hub = hub_;
  std::function<Status()> job = [hub, name, position] { return hub->Commit(name, position); };
  auto stored =
      co_await hub->shared()->threads.Run<Status>(worker, std::move(job), kCallDeadline);
  if (!stored) co_return MakeError(ErrorClass::kTimeout, "store kafka position: no answer");
  co_return std::move(*stored);
}

}  // namespace tidegate::kafka
