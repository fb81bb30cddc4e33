// Consumer handles that have no partitions now, kept for kClientLinger for the next source of the
// same connector on this worker: a poll that comes back pays no connection set-up.
//
// Thread: its worker (worker.Local<Shelf>(worker)). Owner: the worker.
#pragma once

#include <memory>
#include <vector>

#include "connectors/kafka/client.h"
#include "server/net/worker.h"

namespace tidegate::kafka {

inline constexpr std::size_t kShelvedPerConnector = 2;

class Shelf {
 public:
  explicit Shelf(net::Worker& worker);
  ~Shelf();
  void Put(const Monitor* connector, ClientPtr client);
  ClientPtr Take(const Monitor* connector);  // nullptr: none
  void Purge(const Monitor* connector);

 private:
  struct Entry;
  net::Worker& worker_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace tidegate::kafka
