#include "connectors/kafka/positions.h"

#include <librdkafka/rdkafka.h>

#include <array>

#include "connectors/kafka/error_map.h"
#include "server/base/limits.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;

constexpr auto kCallDeadline = std::chrono::seconds(5);
constexpr auto kLingerCheck = std::chrono::seconds(10);
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
  Position position;
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

// The groups of a result event; nullptr when it is none of ours.
const rd_kafka_group_result_t** GroupsOf(rd_kafka_event_t* event, std::size_t* count) {
  if (const auto* altered = rd_kafka_event_AlterConsumerGroupOffsets_result(event)) {
    return rd_kafka_AlterConsumerGroupOffsets_result_groups(altered, count);
  }
  if (const auto* listed = rd_kafka_event_ListConsumerGroupOffsets_result(event)) {
    return rd_kafka_ListConsumerGroupOffsets_result_groups(listed, count);
  }
  return nullptr;
}

Status ReadGroup(const rd_kafka_group_result_t& group, Position& position) {
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(&group)) {
    return ErrorOf(rd_kafka_error_code(error), "kafka group offsets", "", true);
  }
  const rd_kafka_topic_partition_list_t* list = rd_kafka_group_result_partitions(&group);
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

class Positions::Hub final : public EventListener, public std::enable_shared_from_this<Hub> {
 public:
  explicit Hub(SharedPtr shared) : shared_(std::move(shared)) {}
  ~Hub() {
    if (timer_) home_->Post([timer = std::move(timer_)] {});
  }

  // The handle, with one more call counted.
  Task<StatusOr<AdminPtr>> Get(net::Worker& worker);
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
  const rd_kafka_group_result_t** groups = GroupsOf(event, &count);
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
    call->status = ReadGroup(*groups[0], call->position);
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

Task<StatusOr<std::optional<Position>>> Positions::Load(std::string name, net::Worker& worker) {
  const auto hub = hub_;
  auto admin = co_await hub->Get(worker);
  if (!admin.ok()) co_return admin.status();
  auto call = std::make_shared<Call>(worker);
  call->admin = *admin;
  auto* request = rd_kafka_ListConsumerGroupOffsets_new(name.c_str(), nullptr);
  {
    const OptionsPtr options =
        OptionsOf(*call, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, call);
    rd_kafka_ListConsumerGroupOffsets(call->admin->client->rk(), &request, 1, options.get(),
                                      call->admin->queue);
  }
  rd_kafka_ListConsumerGroupOffsets_destroy(request);
  const TimePoint deadline = Clock::now() + kCallDeadline;
  co_await call->parking.Wait(worker.wheel(), deadline);
  if (!call->done) co_return MakeError(ErrorClass::kTimeout, "load kafka position: no answer");
  if (!call->status.ok()) co_return call->status;
  std::optional<Position> found;
  if (!call->position.empty()) found = std::move(call->position);
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
