// Remembers where consumers of *each* stand, by broker name, through the connector's store.
//
// One per connector and process. Note() is cheap and keeps the newest position of a name; stores
// run a few at a time, one per name. Load() sees what this process noted and has not stored yet, so
// a poll that follows another never reads an older position.
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

#include "connectors/api/connector.h"
#include "server/base/task.h"
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

  std::optional<connectors::Position> Recent(const std::string& name) const;
  void Pump(net::Worker& worker);
  void SweepLocked(TimePoint now);
  static Task<void> StoreAll(std::shared_ptr<PositionKeeper> self, net::Worker& worker);
  bool TakeLocked(std::string& name, connectors::Position& position);
  void Stored(const std::string& name, const Status& status);

  const connectors::ConnectorPtr connector_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> queue_;
  std::size_t running_ = 0;
};

}  // namespace tidegate::flow
