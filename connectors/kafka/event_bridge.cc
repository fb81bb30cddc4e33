#include "connectors/kafka/event_bridge.h"

#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace tidegate::kafka {
namespace {

constexpr std::uint64_t kOne = 1;

}  // namespace

std::shared_ptr<EventBridge> EventBridge::Open(net::Worker& worker, EventListener& listener,
                                               std::shared_ptr<void> owner) {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return nullptr;
  auto bridge = std::make_shared<EventBridge>(worker, listener, std::move(owner), fd);
  bridge->Wait();
  return bridge;
}

EventBridge::EventBridge(net::Worker& worker, EventListener& listener, std::shared_ptr<void> owner,
                         int fd)
    : worker_(worker), listener_(&listener), owner_(std::move(owner)),
      descriptor_(worker.context(), fd) {}

void EventBridge::Watch(rd_kafka_queue_t* queue) {
  queues_.push_back(queue);
  rd_kafka_queue_io_event_enable(queue, descriptor_.native_handle(), &kOne, sizeof kOne);
  Again();
}

void EventBridge::Stop() {
  if (stopped_) return;
  stopped_ = true;
  for (rd_kafka_queue_t* queue : queues_) rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
  queues_.clear();
  listener_ = nullptr;
  ErrorCode ignored;
  descriptor_.close(ignored);
  // Last: it may own this bridge.
  const std::shared_ptr<void> owner = std::move(owner_);
}

void EventBridge::Wait() {
  auto self = shared_from_this();
  descriptor_.async_wait(Descriptor::wait_read, [self](ErrorCode ec) {
    if (ec || self->stopped_) return;
    std::uint64_t count = 0;
    while (::read(self->descriptor_.native_handle(), &count, sizeof count) > 0) {
    }
    self->Wait();
    if (!self->posted_) self->Call();
  });
}

void EventBridge::Call() {
  const std::shared_ptr<void> owner = owner_;  // the listener may call Stop
  if (listener_ != nullptr && listener_->OnEvents() && !stopped_) Again();
}

void EventBridge::Again() {
  if (posted_) return;
  posted_ = true;
  auto self = shared_from_this();
  worker_.Post([self] {
    self->posted_ = false;
    if (!self->stopped_) self->Call();
  });
}

}  // namespace tidegate::kafka
