#include "connectors/kafka/positions.h"

#include <librdkafka/rdkafka.h>

#include <array>

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

// The handle and its queue; freed when the last call that uses it has ended.
struct Admin {
  ClientPtr client;
  rd_kafka_queue_t* queue = nullptr;
  std::atomic<int> calls{0};
  Admin() = default;
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin() {
    if (queue != nullptr) rd_kafka_queue_destroy(queue);
  }
};
using AdminPtr = std::shared_ptr<Admin>;

// One admin call on its way; found again through its opaque.
struct Call {
  explicit Call(net::Worker& caller) : worker(caller) {}
  net::Worker& worker;
  AdminPtr admin;
  Parking parking;
  Status status;
  bool done = false;
};
using CallPtr = std::shared_ptr<Call>;

using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, void (*)(rd_kafka_AdminOptions_t*)>;

OptionsPtr OptionsOf(const Call& call, rd_kafka_admin_op_t operation, const CallPtr& owner) {
  OptionsPtr options(rd_kafka_AdminOptions_new(call.admin->client->rk(), operation),
                     rd_kafka_AdminOptions_destroy);
  std::array<char, 128> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestTimeoutMs, text.data(),
                                            text.size());
  rd_kafka_AdminOptions_set_opaque(options.get(), new CallPtr(owner));
  return options;
}

// Nobody joins on the handles that only look.
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

Status ReadGroup(const rd_kafka_group_result_t& group) {
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(&group)) {
    return ErrorOf(rd_kafka_error_code(error), "kafka group offsets", "", true);
  }
  Position stored;
  return ReadOffsets(rd_kafka_group_result_partitions(&group), stored);
}

}  // namespace

class Positions::Hub final : public EventListener, public std::enable_shared_from_this<Hub> {
 public:
  explicit Hub(SharedPtr shared) : shared_(std::move(shared)) {}
  ~Hub() {
    if (timer_) home_->Post([timer = std::move(timer_)] {});
  }

  // The handle, with one more call counted.
  Task<StatusOr<AdminPtr>> Get(net::Worker& worker);
  // The partitions of the endpoint's topics, looked up at most every 30 s; empty when that fails.
  Task<std::vector<TopicPartitions>> Known(AdminPtr admin, net::Worker& worker);
  // (control) What the group has committed of these partitions.
  StatusOr<Position> Committed(const std::string& name,
                               const std::vector<TopicPartitions>& topics) const;
  const SharedPtr& shared() const { return shared_; }
  void Finish(rd_kafka_event_t* event);
  bool OnEvents() override;
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
  void Begin(AdminPtr admin);
  void CheckLinger();
  void Free();

  const SharedPtr shared_;
  std::mutex mutex_;
  AdminPtr current_;
  bool making_ = false;
  net::Worker* home_ = nullptr;
  TimePoint used_;
  std::vector<TopicPartitions> known_;
  TimePoint known_at_;
  // Home worker only.
  AdminPtr watched_;
  std::shared_ptr<EventBridge> bridge_;
  std::unique_ptr<LingerTimer> timer_;
};

StatusOr<AdminPtr> Positions::Hub::Make() const {
  ConfSpec spec;
  spec.role = Role::kEach;
  auto admin = std::make_shared<Admin>();
  TG_ASSIGN_OR_RETURN(admin->client, Client::Make(shared_, spec));
  admin->queue = rd_kafka_queue_new(admin->client->rk());
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
    home_->Post([self, admin = current_] { self->Begin(admin); });
    current_->calls.fetch_add(1);
    co_return current_;
  }
}

void Positions::Hub::Begin(AdminPtr admin) {
  watched_ = std::move(admin);
  bridge_ = EventBridge::Open(*home_, *this, shared_from_this());
  if (bridge_) bridge_->Watch(watched_->queue);
  if (!timer_) timer_ = std::make_unique<LingerTimer>(weak_from_this());
  home_->wheel().Arm(*timer_, kLingerCheck);
}

void Positions::Hub::CheckLinger() {
  {
    std::lock_guard lock(mutex_);
    if (current_ && (current_->calls.load() > 0 || Clock::now() - used_ < kClientLinger)) {
      home_->wheel().Arm(*timer_, kLingerCheck);
      return;
    }
    current_ = nullptr;
  }
  Free();
}

void Positions::Hub::Free() {
  if (bridge_) bridge_->Stop();
  bridge_.reset();
  watched_.reset();
}

void Positions::Hub::Drop() {
  std::lock_guard lock(mutex_);
  if (home_ == nullptr) return;
  current_ = nullptr;
  home_->Post([self = shared_from_this()] { self->Free(); });
}

bool Positions::Hub::OnEvents() {
  const auto self = shared_from_this();
  for (std::size_t i = 0; i < kPollBatchMax; ++i) {
    if (!watched_) return false;
    rd_kafka_event_t* event = rd_kafka_queue_poll(watched_->queue, 0);
    if (event == nullptr) return false;
    Finish(event);
    rd_kafka_event_destroy(event);
  }
  return true;
}

void Positions::Hub::Finish(rd_kafka_event_t* event) {
  std::size_t count = 0;
  const int code = rd_kafka_event_error(event);
  const rd_kafka_group_result_t** groups = nullptr;
  const auto* altered = rd_kafka_event_AlterConsumerGroupOffsets_result(event);
  if (altered != nullptr && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(altered, &count);
  }
  auto* opaque = static_cast<CallPtr*>(rd_kafka_event_opaque(event));
  if (opaque == nullptr) return;
  const CallPtr call = std::move(*opaque);
  delete opaque;
  // The caller's worker reads them only after the post.
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    call->status = ErrorOf(code, "kafka group offsets", "", shared_->monitor->connected());
  } else if (groups == nullptr || count != 1) {
    call->status = MakeError(ErrorClass::kInternal, "kafka group offsets: no answer");
  } else {
    shared_->monitor->Alive();
    call->status = ReadGroup(*groups[0]);
  }
  call->admin->calls.fetch_sub(1);
  call->worker.Post([call] {
    call->done = true;
    call->parking.Wake();
  });
}

Positions::Positions(SharedPtr shared) : hub_(std::make_shared<Hub>(std::move(shared))) {}
Positions::~Positions() { Drop(); }
void Positions::Drop() { hub_->Drop(); }

// A handle of its own that never joins: ListConsumerGroupOffsets of librdkafka 2.0.2 crashes the
// process when the coordinator answers with an error that is worth a retry (its response parser
// hands the retry a request that is not there), as every restarted broker does for a moment.
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

Task<std::vector<TopicPartitions>> Positions::Hub::Known(AdminPtr admin, net::Worker& worker) {
  using Topics = std::vector<TopicPartitions>;
  const auto self = shared_from_this();
  {
    std::lock_guard lock(mutex_);
    if (Clock::now() - known_at_ < kKnownFor) co_return known_;
  }
  std::function<Topics()> job = [self, admin] {
    auto found = FindTopics(admin->client->rk(), self->shared_, {});
    return found.ok() ? std::move(*found) : Topics();
  };
  auto found = co_await shared_->threads.Run<Topics>(worker, std::move(job), kCallDeadline);
  if (!found) co_return Topics();
  std::lock_guard lock(mutex_);
  known_ = *found;
  known_at_ = Clock::now();
  co_return known_;
}

Task<StatusOr<std::optional<Position>>> Positions::Load(std::string name, net::Worker& worker) {
  const auto hub = hub_;
  auto admin = co_await hub->Get(worker);
  if (!admin.ok()) co_return admin.status();
  auto topics = co_await hub->Known(*admin, worker);
  (*admin)->calls.fetch_sub(1);
  if (topics.empty()) {
    co_return MakeError(ErrorClass::kConnectFailed, "load kafka position: no topic was found");
  }
  std::function<StatusOr<Position>()> job = [hub, name, topics] {
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
  auto admin = co_await hub->Get(worker);
  if (!admin.ok()) co_return admin.status();
  auto call = std::make_shared<Call>(worker);
  call->admin = *admin;
  rd_kafka_topic_partition_list_t* list =
      rd_kafka_topic_partition_list_new(static_cast<int>(position.entries().size()));
  for (const Position::Entry& entry : position.entries()) {
    rd_kafka_topic_partition_list_add(list, entry.topic.c_str(), entry.partition)->offset =
        entry.offset + 1;  // a group's offset is the next to read
  }
  auto* request = rd_kafka_AlterConsumerGroupOffsets_new(name.c_str(), list);
  rd_kafka_topic_partition_list_destroy(list);
  {
    const OptionsPtr options =
        OptionsOf(*call, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, call);
    rd_kafka_AlterConsumerGroupOffsets(call->admin->client->rk(), &request, 1, options.get(),
                                       call->admin->queue);
  }
  rd_kafka_AlterConsumerGroupOffsets_destroy(request);
  const TimePoint deadline = Clock::now() + kCallDeadline;
  co_await call->parking.Wait(worker.wheel(), deadline);
  if (!call->done) co_return MakeError(ErrorClass::kTimeout, "store kafka position: no answer");
  co_return call->status;
}

}  // namespace tidegate::kafka
