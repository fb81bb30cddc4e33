// Remembers where consumers of *each* stand, by broker name, through the connector's store.
//
// One per connector and process. Note() is cheap and keeps the newest position of a name; stores
// run a few at a time, one per name. Load() sees what this process noted and has not stored yet, so
// a poll that follows another never reads an older position; those who ask for one name at once
// share one question to the broker.
// Thread: any worker. Owner: shared_ptr held by readers, seats and running stores.
// Fails: Load as the store does; a failed store is logged and tried again with the next Note.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/api/connector.h"
#include "server/base/task.h"
#include "server/flow/event.h"
#include "server/net/worker.h"

namespace tidegate::flow {

class PositionKeeper : public std::enable_shared_from_this<PositionKeeper> {
 public:
  explicit PositionKeeper(connectors::ConnectorPtr connector);

  Task<StatusOr<std::optional<connectors::Position>>> Load(std::string name, net::Worker& worker);
  // Stored soon, by a task on `worker`. Worker thread.
  void Note(const std::string& name, connectors::Position position, net::Worker& worker);
  // Nothing waits to be stored and nothing is being stored.
  bool idle() const;

 private:
  struct Entry {
    connectors::Position latest;
    bool dirty = false;    // waits in queue_
    bool storing = false;  // a task runs
    TimePoint noted;
  };

  // One question to the store and those who wait for its answer, each on its own worker.
  struct Loading {
    bool done = false;
    TimePoint finished;
    StatusOr<std::optional<connectors::Position>> result;
    std::vector<std::pair<net::Worker*, std::shared_ptr<Event>>> waiters;
  };

  std::optional<connectors::Position> Recent(const std::string& name) const;
  // Whoever gets `first` starts the question.
  std::shared_ptr<Loading> Join(const std::string& name, const std::shared_ptr<Event>& event,
                                net::Worker& worker, bool& first);
  static Task<void> LoadOne(std::shared_ptr<PositionKeeper> self, std::string name,
                            std::shared_ptr<Loading> loading, net::Worker& worker);
  void Pump(net::Worker& worker);
  void SweepLocked(TimePoint now);
  static Task<void> StoreAll(std::shared_ptr<PositionKeeper> self, net::Worker& worker);
  bool TakeLocked(std::string& name, connectors::Position& position);
  void Stored(const std::string& name, const Status& status);

  const connectors::ConnectorPtr connector_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::shared_ptr<Loading>> loads_;
  std::deque<std::string> queue_;
  std::size_t running_ = 0;
};

}  // namespace tidegate::flow
