// Wakes a worker when queues of the library have something: the library writes to an eventfd, the
// worker's io_context watches it. No thread of ours polls.
//
// The listener is called on the worker until it says that it has drained its queues; between two
// calls other work of the worker has its turn. It must drain by itself when it stops waiting: the
// library writes once per time that a queue becomes non-empty.
// Thread: the worker it was opened on. Owner: shared_ptr; Stop() before the queues are destroyed.
// Fails: Open by nullptr when the process is out of descriptors.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>
#include <vector>

#include "connectors/kafka/rd_types.h"
#include "server/net/worker.h"

namespace tidegate::kafka {

class EventListener {
 public:
  // True: call again after others have had their turn.
  virtual bool OnEvents() = 0;

 protected:
  ~EventListener() = default;
};

class EventBridge : public std::enable_shared_from_this<EventBridge> {
 public:
  // `owner` keeps `listener` alive until Stop.
  static std::shared_ptr<EventBridge> Open(net::Worker& worker, EventListener& listener,
                                           std::shared_ptr<void> owner);
  EventBridge(net::Worker& worker, EventListener& listener, std::shared_ptr<void> owner, int fd);

  // The listener is called once soon, for what is there already.
  void Watch(rd_kafka_queue_t* queue);
  void Stop();

 private:
  void Wait();
  void Call();
  void Again();

  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  net::Worker& worker_;
  EventListener* listener_;
  std::shared_ptr<void> owner_;
  Descriptor descriptor_;
  std::vector<rd_kafka_queue_t*> queues_;
  bool posted_ = false;
  bool stopped_ = false;
};

}  // namespace tidegate::kafka
