// What the readers of one process share: who exists, how many may exist, and counters.
//
// Thread: any (one mutex around the registry, taken when consumers come and go, never per
// message). Owner: shared_ptr held by the hub and by every reader, so that a reader that ends after
// the hub finds it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "connectors/api/connector.h"
#include "server/flow/position_keeper.h"
#include "server/flow/subscriber.h"

namespace tidegate::flow {

class EachReader;
class GroupReader;

struct ReaderKey {
  const connectors::Connector* connector = nullptr;
  std::string name;  // each: the overriding topics; group: the broker name and the QoS too
  auto operator<=>(const ReaderKey&) const = default;
};

// A reader that can be told to end from any thread.
class Endable {
 public:
  virtual void End(EndReason reason, Status status) = 0;
  virtual const connectors::Connector& connector() const = 0;

 protected:
  ~Endable() = default;
};

struct HubState {
  template <typename Reader>
  struct Seat {
    std::shared_ptr<Reader> reader;
    std::size_t users = 0;  // seats and attaches under way; a reader without may linger and end
  };
  std::mutex mutex;
  std::map<ReaderKey, Seat<EachReader>> each;
  std::map<ReaderKey, Seat<GroupReader>> groups;
  std::map<std::uint64_t, std::weak_ptr<Endable>> privates;
  std::map<const connectors::Connector*, std::weak_ptr<PositionKeeper>> keepers;
  bool shut = false;  // no reader is made any more

  std::atomic<std::uint64_t> next_id{1};
  std::atomic<std::int64_t> live_readers{0};
  std::atomic<std::int64_t> catch_up_readers{0};
  std::atomic<std::int64_t> group_readers{0};
  std::atomic<std::int64_t> private_readers{0};
  std::atomic<std::int64_t> subscribers{0};
  std::atomic<std::int64_t> ring_bytes{0};
  std::atomic<std::uint64_t> dropped{0};
};
using HubStatePtr = std::shared_ptr<HubState>;

}  // namespace tidegate::flow
